"""Check of one partition's histories: compares each event that a worker serves with the log.

Verify keeps only digests of the served events.
"""

from hashlib import blake2b

import msgspec

from app.domain.registry import EVENT_SOURCED
from app.eventsourcing.history import Latest, named
from app.eventsourcing.recorded_event import RecordedEvent
from app.verify.findings import NUL, FindingKind, Findings, RecordRef
from app.verify.read_models.worker_client import Row
from app.verify.reading.disk_map import DiskMap

ENTRIES, VERSIONS = "history", "history-version"

_latest = msgspec.json.Decoder(Latest).decode
_DONE = b""


class HistoryCheck:
    """Check like RowCheck, of the read model `history`."""

    name = "history"
    logs: tuple[str, ...] = tuple(decider.topic for decider in EVENT_SOURCED)

    def __init__(self, scratch: DiskMap, findings: Findings, partition: int) -> None:
        self.compared = self.unjudged = 0
        self._any_off = False
        self._scratch = scratch
        self._findings = findings
        self._partition = partition

    def take(self, row: Row) -> None:
        """Take a served event, or the last version of an aggregate."""
        if row.table == ENTRIES:
            self._scratch.put(_at(ENTRIES, row.key), _digest(row.row))
        elif row.table == VERSIONS:
            self._scratch.put(_at(VERSIONS, row.key), b"%d" % _latest(row.row).version)

    def event(self, event: RecordedEvent, value: bytes, *, sure: bool) -> None:
        """Take the next event of a log. If it is `sure`, the served rows must contain it."""
        aggregate = named(event.aggregate_type, event.aggregate_id)
        key = f"{aggregate}/{event.version:020d}"
        shown = self._scratch.get(_at(ENTRIES, key))
        if shown == _DONE or self._is_off(aggregate):
            return  # every reader skips a repeated version
        self._compare(key, shown, value, sure=sure)
        self._scratch.put(_at("sure" if sure else "last", aggregate), b"%d" % event.version)

    def let_off(self, aggregate_id: str) -> None:
        """Exempt all aggregates with this id, whatever their type."""
        self.unjudged += self._scratch.get(_at("off", aggregate_id)) is None
        self._any_off = True
        for name in (aggregate_id, *(named(decider.aggregate_type, aggregate_id) for decider in EVENT_SOURCED)):
            self._scratch.put(_at("off", name), b"")

    async def finish(self, *, still: bool) -> None:
        """Check the remaining rows."""
        del still
        async for key, value in self._scratch.scan(_at(ENTRIES, "")):
            name = _name(key)
            if value != _DONE and not self._is_off(name.rpartition("/")[0]):
                self._add(ENTRIES, name, "has no event behind it")
        async for key, value in self._scratch.scan(_at(VERSIONS, "")):
            self._version(_name(key), int(value))
        async for key, _ in self._scratch.scan(_at("sure", "")):
            if self._scratch.get(_at(VERSIONS, _name(key))) is None:
                self._add(VERSIONS, _name(key), "is missing")

    def _compare(self, key: str, shown: bytes | None, value: bytes, *, sure: bool) -> None:
        if shown is not None:
            self.compared += 1
            self._scratch.put(_at(ENTRIES, key), _DONE)
            if shown != _digest(value):
                self._add(ENTRIES, key, "is not the event that is in the log")
        elif sure:
            self._add(ENTRIES, key, "is missing")

    def _version(self, aggregate: str, shown: int) -> None:
        last, sure = (int(self._scratch.get(_at(what, aggregate)) or 0) for what in ("last", "sure"))
        if not sure <= shown <= max(last, sure) and not self._is_off(aggregate):
            self._add(VERSIONS, aggregate, f"is {shown}, and the last event is {max(last, sure)}")

    def _is_off(self, aggregate: str) -> bool:
        """Return True if the aggregate cannot be checked."""
        return self._any_off and self._scratch.get(_at("off", aggregate)) is not None

    def _add(self, table: str, key: str, what: str) -> None:
        self._findings.add(FindingKind.WRONG_VIEW, RecordRef(table, self._partition, None, key.encode()), what)


def _at(what: str, key: str) -> bytes:
    return f"history{NUL}{what}{NUL}{key}".encode()


def _name(key: bytes) -> str:
    return key.rpartition(b"\0")[2].decode()


def _digest(event: bytes) -> bytes:
    return blake2b(event, digest_size=16).digest()
