"""History of every aggregate, projected from all logs of record."""

from collections.abc import Iterator

from msgspec import Raw

from app.eventsourcing.history import Latest, named, project
from app.eventsourcing.recorded_event import RecordedEvent
from app.settings import Settings
from app.streams.app import app
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from app.topics.contract import LOGS, event_topic

entries = app.Table("history", value_type=Raw, cached=False)
versions = app.Table("history-version", value_type=Latest)


class History:
    """Read model with a row for each event, in the order of versions, and one for the last version of each aggregate."""

    agent = "history"

    def __init__(self, settings: Settings, entries: Table[Raw], versions: Table[Latest]) -> None:
        self.events = tuple(event_topic(settings, aggregate) for aggregate in LOGS)
        self.fingerprint = fingerprint([project, History], [])
        self._entries = entries
        self._versions = versions

    def before(self, event: RecordedEvent) -> Latest | None:
        """Return the last event of the same aggregate; None when there is none."""
        return self._versions.get(named(event.aggregate_type, event.aggregate_id))

    def apply(self, before: Latest | None, event: RecordedEvent, value: bytes) -> None:
        """Add an event. `value` is the value of its record."""
        del before
        entry = project(event, value)
        self._entries[_row(entry.aggregate, entry.version)] = entry.event
        self._versions[entry.aggregate] = Latest(entry.version)

    def committed_version(self, store: StateStore, aggregate_type: str, aggregate_id: str) -> int:
        """Return the last version of an aggregate; 0 when it has no event."""
        last = self._versions.committed(store, named(aggregate_type, aggregate_id))
        return last.version if last else 0

    def committed(self, store: StateStore, aggregate_type: str, aggregate_id: str, from_version: int) -> Iterator[tuple[int, bytes]]:
        """Yield the events of an aggregate from a version on, in order, each with its version, as they were written."""
        aggregate = named(aggregate_type, aggregate_id)
        for row, event in self._entries.rows(store, f"{aggregate}/", start=_row(aggregate, from_version)):
            yield int(row.rpartition("/")[2]), bytes(event)


def _row(aggregate: str, version: int) -> str:
    """Return the row key of an event. Keys sort as versions do."""
    return f"{aggregate}/{version:020d}"


histories = History(app.side.settings, entries, versions)
