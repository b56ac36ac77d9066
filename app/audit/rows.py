"""The rows of one task as its changelog has them, and how they differ from what the log folds to."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from app.domain.deciders import DECIDERS
from app.kernel.position import positions

Rows = Mapping[bytes, bytes]
"""By full key (table, NUL, key), encoded as they stand in the changelog."""

Folds = dict[bytes, Any]
"""By full key, as plain JSON values."""

_NUL = "\0"
_FOLDED = tuple((table + _NUL).encode() for decider in DECIDERS for table in (decider.topic, decider.detail) if table is not None)


async def read_rows(changelog: AsyncIterator[ConsumerRecord]) -> Rows:
    """The last value of each row that is judged here: what is folded from events, and the positions."""
    rows: dict[bytes, bytes] = {}
    async for record in changelog:
        if record.value is None:
            rows.pop(record.key, None)
        elif record.key.startswith((*_FOLDED, positions.prefix)):
            rows[record.key] = record.value
    return rows


def offset_next(rows: Rows, topic: str) -> int:
    """How far the task has processed an input topic; 0 when it never did."""
    row = rows.get(positions.prefix + topic.encode())
    return 0 if row is None else int(positions.decode(row).offset_next)


def differences(rows: Rows, folds: Folds) -> Iterator[tuple[bytes, str]]:
    """Each key at fault, with what is wrong."""
    for key in sorted(folds.keys() | _folded(rows)):
        fault = _difference(rows.get(key), folds.get(key))
        if fault is not None:
            yield key, f"row {key.decode().replace(_NUL, ' ')} {fault}"


def _folded(rows: Rows) -> set[bytes]:
    return {key for key in rows if key.startswith(_FOLDED)}


def _difference(row: bytes | None, fold: Any) -> str | None:  # noqa: ANN401 (any JSON)
    if row is None:
        return "is missing"
    if fold is None:
        return "has no event behind it"
    found = msgspec.json.decode(row)
    return None if found == fold else f"is {found}, its events fold to {fold}"
