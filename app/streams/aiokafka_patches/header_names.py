"""Names of headers that are not UTF-8. Brokers accept any bytes for them, aiokafka 0.14 only text.

Bytes that are not UTF-8 become surrogates when they are read (`fetcher`), as in Python's names of files. This module turns them into bytes again, on the wire
and in rows.
"""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record import default_records

NUL = "\0"
"""Prefix of a stored name whose bytes follow as Latin-1. Rows are JSON, which has no surrogates."""


def stored(name: str) -> str:
    """Return a name in the form that rows can store."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return NUL + name.encode(errors="surrogateescape").decode("latin-1")
    return NUL + name.encode().decode("latin-1") if name.startswith(NUL) else name


def read(name: str) -> str:
    """Return the name as it was read, from its stored form."""
    return name[1:].encode("latin-1").decode(errors="surrogateescape") if name.startswith(NUL) else name


class LenientBatch(BatchBuilder):  # type: ignore[misc]  # aiokafka has no types
    """A batch of records whose headers may have any names; slower than aiokafka's own."""

    def __init__(self, producer: AIOKafkaProducer, batch_bytes: int) -> None:
        transactional = producer._txn_manager is not None and producer._txn_manager.transactional_id is not None  # noqa: SLF001 (aiokafka shows none)
        super().__init__(batch_bytes, 0, is_transactional=transactional)
        self._builder = default_records._DefaultRecordBatchBuilderPy(2, 0, transactional, -1, -1, 0, batch_bytes)  # noqa: SLF001 (the compiled one is strict)

    def append(self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Add a record. Returns None when there is no room for it."""
        return super().append(timestamp=timestamp, key=key, value=value, headers=[(_Name(name), content) for name, content in headers])

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._builder.set_producer_state(producer_id, producer_epoch, base_sequence)


class _Name(str):
    """A name that encodes to the bytes that were read."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode(encoding, errors)
