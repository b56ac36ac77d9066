"""Check of one task's changelog rows against the state that the event log gives.

A row is compared at the last moment at which both can be equal: before the first event that the row does not reflect, or at the end.
So the rows of a running worker are checked, too.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from app.domain.registry import EVENT_SOURCED
from app.streams.state.positions import positions
from app.verify.findings import NUL, FindingKind, Findings, RecordRef
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch

_PARKED = f"parked{NUL}".encode()
_TABLES = (table for decider in EVENT_SOURCED for table in (decider.topic, decider.detail, f"{decider.topic}-answer") if table is not None)
_KEPT = (positions.prefix, _PARKED, *((table + NUL).encode() for table in _TABLES))
_PREFIX = b"row\0"
_JUDGED = b""
_OFFSET_BYTES = 8


class ChangelogRows:
    """Rows from the changelog of one partition. Call `read` first."""

    def __init__(self, scratch: DiskMap, findings: Findings, changelog: str, partition: int) -> None:
        """Create the check. `changelog` is the name of the topic."""
        self._scratch = scratch
        self._findings = findings
        self._changelog = changelog
        self._partition = partition

    def read(self, batch: Batch) -> None:
        """Take the last value of each row below `batch.sure`.

        Later records only say which rows compaction may have removed.
        """
        for record in batch.records:
            if record.key is not None and record.key.startswith(_KEPT):
                key = _PREFIX + record.key
                if record.offset < batch.sure:
                    self._scratch.put(key, record.value and record.offset.to_bytes(_OFFSET_BYTES, "big") + _needed(record))
                elif self._scratch.get(key) is None:
                    self._scratch.put(key, _JUDGED)

    def offset_next(self, topic: str, topic_id: str) -> int:
        """Return the task's position in the input topic with this id, or 0 if it has none."""
        found = self.read_as(positions.prefix + topic.encode(), positions.decode)
        return int(found.offset_next) if found and found.topic_id == topic_id else 0

    def version(self, key: bytes) -> int | None:
        """Return the version in the row of an aggregate: 0 if there is no row, None if it cannot be known."""
        if self._scratch.get(_PREFIX + key) is None:
            return 0
        found = self.read_as(key, _root)
        return found and int(found.version)

    def judge(self, key: bytes, fold: Any) -> None:  # noqa: ANN401 (any JSON)
        """Compare a row with the state from its events, if it exists and was not checked yet."""
        row = self._scratch.get(_PREFIX + key)
        if row:
            self._compare(key, row, fold)
            self.let_off(key)

    def let_off(self, key: bytes) -> None:
        """Exempt a row from further checks: it was checked, or cannot be."""
        self._scratch.put(_PREFIX + key, _JUDGED)

    def require(self, key: bytes) -> None:
        """Add a finding if there is no such row."""
        if not self.has(key):
            self.add(key, "is missing")

    def has(self, key: bytes) -> bool:
        """Return True if there is such a row."""
        return self._scratch.get(_PREFIX + key) is not None

    async def left(self, table: str) -> AsyncIterator[tuple[bytes, bytes]]:
        """Yield the unchecked rows of a table by their full keys (table, NUL, key). No row may be put meanwhile."""
        async for key, row in self._scratch.scan(_PREFIX + f"{table}{NUL}".encode()):
            if row != _JUDGED:
                yield key.removeprefix(_PREFIX), row

    def at_end(self, key: bytes, row: bytes, fold: Any) -> None:  # noqa: ANN401 (any JSON)
        """Compare a remaining row with the state from all of its events. `fold` is None if it has no event."""
        if fold is None:
            self.add(key, "has no event behind it", row)
        else:
            self._compare(key, row, fold)

    def add(self, key: bytes, what: str, row: bytes | None = None) -> None:
        """Add a finding about a row."""
        offset = None if row is None else int.from_bytes(row[:_OFFSET_BYTES], "big")
        self._findings.add(FindingKind.WRONG_ROW, RecordRef(self._changelog, self._partition, offset, key), what)

    def read_as(self, key: bytes, decode: Callable[[bytes], Any]) -> Any:  # noqa: ANN401 (what `decode` makes of it)
        """Decode a row. Return None if it is missing or cannot be read."""
        row = self._scratch.get(_PREFIX + key)
        if not row:
            return None
        try:
            found = decode(row[_OFFSET_BYTES:])
        except msgspec.MsgspecError:
            found = None
        if found is None:
            self.add(key, "cannot be read", row)
        return found

    def _compare(self, key: bytes, row: bytes, fold: Any) -> None:  # noqa: ANN401 (any JSON)
        found = self.read_as(key, msgspec.json.decode)
        if found not in (None, fold):
            self.add(key, f"is {found}, its events fold to {fold}", row)


def _needed(record: ConsumerRecord) -> bytes:
    """Return the part of a row that verify keeps. A parked record can be large, so its presence is enough."""
    return b"true" if record.key.startswith(_PARKED) else record.value


class _Root(msgspec.Struct):
    version: int


_root = msgspec.json.Decoder(_Root).decode
