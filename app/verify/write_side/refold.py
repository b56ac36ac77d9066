"""State from the events of one aggregate type in one partition: aggregates, and their parts for one order each."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

import msgspec
from msgspec import Struct

from app.eventsourcing.decide import CurrentState
from app.eventsourcing.decider import Decider, order_named
from app.verify.findings import NUL
from app.verify.reading.disk_map import DiskMap
from app.verify.write_side.changelog_rows import ChangelogRows
from app.verify.write_side.conservation import amount
from schemas.envelopes import Event

State = TypeVar("State")


class Root(Struct, Generic[State], array_like=True):
    """Aggregate after its events so far."""

    version: int
    state: State
    known: int | None
    """Version in its row: 0 if there is no row, None if it cannot be known."""
    ahead: bool = False
    """True if it has events that its row does not reflect."""
    cause: str = ""
    """Command of its last event, and the order that the command named."""
    place: int = 0
    """Index of its last event in the decision of that command."""
    moved: dict[str, int] = msgspec.field(default_factory=dict)
    """Stock or money that its events have moved, by event type."""


class Detail(Struct, Generic[State], array_like=True):
    """Part of an aggregate for one order."""

    since: int
    """Version of the aggregate at which the part was created."""
    state: State


class Met(NamedTuple):
    """State before an event. `key` and `beside` are keys of rows; `beside` is None if the event names no order."""

    key: bytes
    root: Root[Any]
    beside: bytes | None
    detail: Detail[Any] | None

    @property
    def standing(self) -> CurrentState[Any, Any]:
        """Same state in the form that a decision takes."""
        return CurrentState(self.root.version, self.root.state, None if self.detail is None else self.detail.state)


_ROOT, _DETAIL = b"root\0", b"detail\0"
_encode = msgspec.json.Encoder().encode


class Refold:
    """Fold of events with the decider, and with no other code of the product."""

    def __init__(self, decider: Decider, rows: ChangelogRows, scratch: DiskMap) -> None:
        self._decider = decider
        self._rows = rows
        self._scratch = scratch
        self._root = msgspec.json.Decoder(Root[_returned(decider.evolve)]).decode  # type: ignore[misc]  # the decider's own type
        self._detail = msgspec.json.Decoder(Detail[_returned(decider.evolve_detail)]).decode  # type: ignore[misc]  # the same

    def met(self, aggregate_id: str, payload: Event) -> Met:
        """Return the state before an event of an aggregate."""
        key, order_id = self._key(aggregate_id), order_named(payload)
        if self._decider.detail is None or order_id is None:
            return Met(key, self._root_of(key), None, None)
        beside = f"{self._decider.detail}{NUL}{aggregate_id}/{order_id}".encode()
        found = self._scratch.get(_DETAIL + beside)
        return Met(key, self._root_of(key), beside, None if found is None else self._detail(found))

    def fold(self, met: Met, version: int, payload: Event, cause: str, place: int) -> Root[Any]:
        """Apply an event to the state before it. Keep the new state and return the aggregate."""
        moved = {**met.root.moved}
        if pieces := amount(payload):
            moved[type(payload).__name__] = moved.get(type(payload).__name__, 0) + pieces
        root = Root(version, self._decider.evolve(met.root.state, payload), met.root.known, met.root.ahead, cause, place, moved)
        self._scratch.put(_ROOT + met.key, _encode(root))
        after = self._decider.evolve_detail(met.standing.detail, payload)
        if met.beside is not None and after is not None:
            since = version if met.detail is None else met.detail.since
            self._scratch.put(_DETAIL + met.beside, _encode(Detail(since, after)))
        return root

    def row(self, key: bytes) -> Any:  # noqa: ANN401 (any JSON)
        """Return the expected row by its key, or None if no event gives it."""
        if (root := self._scratch.get(_ROOT + key)) is not None:
            version, state, *_ = msgspec.json.decode(root)
            return {"version": version, "state": state}
        return None if (detail := self._scratch.get(_DETAIL + key)) is None else msgspec.json.decode(detail)[1]

    async def roots(self) -> AsyncIterator[Root[Any]]:
        """Yield the aggregates."""
        async for _, value in self._scratch.scan(_ROOT + f"{self._decider.topic}{NUL}".encode()):
            yield self._root(value)

    async def known_details(self) -> AsyncIterator[bytes]:
        """Yield the keys of all parts that must have a row, because the row of their aggregate reflects the event that created them."""
        async for key, value in self._scratch.scan(_DETAIL + f"{self._decider.detail}{NUL}".encode()):
            beside = key.removeprefix(_DETAIL)
            known = self._root_of(self._key(beside.decode().partition(NUL)[2].partition("/")[0])).known
            if known is not None and self._detail(value).since <= known:
                yield beside

    def _root_of(self, key: bytes) -> Root[Any]:
        found = self._scratch.get(_ROOT + key)
        root: Root[Any] = Root(0, self._decider.initial, self._rows.version(key)) if found is None else self._root(found)
        return root

    def _key(self, aggregate_id: str) -> bytes:
        return f"{self._decider.topic}{NUL}{aggregate_id}".encode()


def _returned(function: Callable[..., Any]) -> Any:  # noqa: ANN401 (a type)
    """Return the type of a decider's state: the return type of its function."""
    return get_type_hints(function)["return"]
