"""Fixes for how aiokafka 0.14 unpacks fetched records, all in one place.

aiokafka raises in the middle of unpacking: records of other partitions that were taken in the same call are lost, those before the fault are passed over, and
the error names no offset. Here, a partition whose next batch cannot be unpacked first returns the records before it, then raises `UnreadableBatch` in every
call. The names of headers need not be UTF-8: other bytes become surrogates, as in Python's names of files. A call takes no more of a partition once it has
enough.
"""

from collections.abc import Iterator, Sequence
from struct import unpack_from
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, RecordTooLargeError
from aiokafka.record import _crecords, default_records, legacy_records

from app.streams.aiokafka_patches import decompression as unpacking
from app.streams.errors import UnreadableBatch

TAKEN_BYTES = 8 << 20
"""Bytes of keys and values that one call takes of a partition. Records that were unpacked beyond wait for the next call."""

_BASE_LENGTH = ">qi"
"""Format of a batch's beginning: its first offset, and how many bytes follow these twelve."""

_fetched_records = fetcher.Fetcher.fetched_records


class _Records(fetcher.MemoryRecords):  # type: ignore[misc]  # aiokafka has no types
    """Fetched batches, and their bytes."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._raw = raw

    def batch(self, base_offset: int) -> memoryview:
        """Return the bytes of the batch with this first offset."""
        rest = memoryview(self._raw)
        while True:
            first, length = unpack_from(_BASE_LENGTH, rest)
            if first == base_offset:
                return rest[: 12 + length]
            rest = rest[12 + length :]


class _Lenient(bytearray):
    """Bytes that decode as text whatever they are."""

    def __getitem__(self, at: Any) -> Any:  # noqa: ANN401 (an index or a slice)
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


class _LenientBatch(default_records._DefaultRecordBatchPy):  # type: ignore[misc]  # noqa: SLF001 (the compiled one is strict)
    """A batch in which names of headers need not be UTF-8; slower than the compiled one."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Lenient(self._buffer)


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Records of one partition, unpacked batch by batch as they are taken. UnreadableBatch names a batch that cannot be unpacked."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[ConsumerRecord]:
        while self._records.has_next():
            batch = None
            try:
                batch = self._records.next_batch()
                self._check(batch)
                if not self._passed_over(batch):
                    yield from self._unpacked(batch)
            except Exception as error:
                last = batch.next_offset - 1 if batch is not None else -1
                appended_ms = batch.max_timestamp if batch is not None else None
                raise UnreadableBatch(self._tp, self.next_fetch_offset, max(last, self.next_fetch_offset), error, appended_ms) from error
            self.next_fetch_offset = batch.next_offset

    def _check(self, batch: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        if self._check_crcs and not batch.validate_crc():
            raise CorruptRecordException("its checksum is wrong")

    def _passed_over(self, batch: Any) -> bool:  # noqa: ANN401 (aiokafka has no types)
        """Return whether a batch has no records to read: a marker, or a batch of an aborted transaction."""
        if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)

    def _unpacked(self, batch: Any) -> Iterator[ConsumerRecord]:  # noqa: ANN401 (aiokafka has no types)
        try:
            yield from self._in_turn(batch)
        except UnicodeDecodeError:
            yield from self._in_turn(_LenientBatch(self._records.batch(batch.base_offset)))

    def _in_turn(self, batch: Any) -> Iterator[ConsumerRecord]:  # noqa: ANN401 (aiokafka has no types)
        topic, partition = self._tp
        for record in batch:
            offset = record.offset
            if offset >= self.next_fetch_offset:
                found = _consumer_record(topic, partition, offset, record)
                self.next_fetch_offset = offset + 1
                yield found


def _consumer_record(topic: str, partition: int, offset: int, record: Any) -> ConsumerRecord:  # noqa: ANN401 (aiokafka has no types)
    key, value = record.key, record.value
    sizes = -1 if key is None else len(key), -1 if value is None else len(value)
    return ConsumerRecord(topic, partition, offset, record.timestamp, record.timestamp_type, key, value, record.checksum, *sizes, tuple(record.headers))


class _FetchResult(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """Fetched records of one partition that are not taken yet."""

    failed: UnreadableBatch | None = None
    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[ConsumerRecord]:
        """Take the fetched records, up to the bounds, or up to a batch that cannot be unpacked."""
        if not self.check_assignment(self._topic_partition) or not self.has_more() or self.failed is not None:
            return []
        taken, size = list[ConsumerRecord](), 0
        records: Any = self._partition_records
        try:
            for record in records:
                taken.append(record)
                size += record.serialized_key_size + record.serialized_value_size
                if size >= TAKEN_BYTES or len(taken) == max_records:
                    break
            else:
                self._partition_records = None
        except UnreadableBatch as error:
            self.failed = error
        self._assignment.state_value(self._topic_partition).consumed_to(records.next_fetch_offset)
        return taken


async def fetched_records(self: Any, partitions: Sequence[TopicPartition], timeout: float = 0, max_records: int | None = None) -> Any:  # noqa: ANN401, ASYNC109 (aiokafka's own signature)
    """Return the fetched records. Raises UnreadableBatch before anything is taken."""
    for where in partitions or list(self._records):
        _raise_failed(self, where)
    try:
        return await _fetched_records(self, partitions, timeout, max_records)
    except RecordTooLargeError as error:
        _, where, offset, size = error.args
        raise UnreadableBatch(where, offset, offset, f"it is larger than a fetch ({size} bytes)") from error


def _raise_failed(self: Any, where: TopicPartition) -> None:  # noqa: ANN401 (aiokafka has no types)
    result = self._records.get(where)
    if isinstance(result, _FetchResult) and result.failed is not None:
        del self._records[where]  # it is fetched again, from the same position
        self._notify(self._wait_consume_future)
        if result.check_assignment(where):
            raise result.failed


def install() -> None:
    """Replace these parts of aiokafka."""
    fetcher.MemoryRecords = _Records
    fetcher.PartitionRecords = _PartitionRecords
    fetcher.FetchResult = _FetchResult
    fetcher.Fetcher.fetched_records = fetched_records
    for module in (default_records, legacy_records, _crecords.default_records, _crecords.legacy_records):
        unpacking.install(module)
