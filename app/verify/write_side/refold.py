"""What the events of one aggregate type fold to in one partition: aggregates, and what stands beside them for one order each."""

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
    """An aggregate as its events left it."""

    version: int
    state: State
    known: int | None
    """The version in its row, 0 when there is no row; None when that cannot be known."""
    ahead: bool = False
    """Whether it has events that are not in its row."""
    cause: str = ""
    """The command of its last event, and the order that it named."""
    place: int = 0
    """The place of its last event in the decision of that command."""
    moved: dict[str, int] = msgspec.field(default_factory=dict)
    """How much stock or money its events have moved, by their types."""


class Detail(Struct, Generic[State], array_like=True):
    """What stands beside an aggregate for one order."""

    since: int
    """The version of the aggregate that made it."""
    state: State


class Met(NamedTuple):
    """What an event meets; the keys are those of rows. `beside` is None where it names no order."""

    key: bytes
    root: Root[Any]
    beside: bytes | None
    detail: Detail[Any] | None

    @property
    def standing(self) -> CurrentState[Any, Any]:
        """The same, as a decision is made on it."""
        return CurrentState(self.root.version, self.root.state, None if self.detail is None else self.detail.state)


_ROOT, _DETAIL = b"root\0", b"detail\0"
_encode = msgspec.json.Encoder().encode


class Refold:
    """Folds with the decider and nothing else of the product."""

    def __init__(self, decider: Decider, rows: ChangelogRows, scratch: DiskMap) -> None:
        self._decider = decider
        self._rows = rows
        self._scratch = scratch
        self._root = msgspec.json.Decoder(Root[_returned(decider.evolve)]).decode  # type: ignore[misc]  # the decider's own type
        self._detail = msgspec.json.Decoder(Detail[_returned(decider.evolve_detail)]).decode  # type: ignore[misc]  # the same

    def met(self, aggregate_id: str, payload: Event) -> Met:
        """What an event of an aggregate meets."""
        key, order_id = self._key(aggregate_id), order_named(payload)
        if self._decider.detail is None or order_id is None:
            return Met(key, self._root_of(key), None, None)
        beside = f"{self._decider.detail}{NUL}{aggregate_id}/{order_id}".encode()
        found = self._scratch.get(_DETAIL + beside)
        return Met(key, self._root_of(key), beside, None if found is None else self._detail(found))

    def fold(self, met: Met, version: int, payload: Event, cause: str, place: int) -> Root[Any]:
        """Keep what an event makes of what it met; the aggregate after it."""
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
        """The row that the events give, by its key; None when none does."""
        if (root := self._scratch.get(_ROOT + key)) is not None:
            version, state, *_ = msgspec.json.decode(root)
            return {"version": version, "state": state}
        return None if (detail := self._scratch.get(_DETAIL + key)) is None else msgspec.json.decode(detail)[1]

    async def roots(self) -> AsyncIterator[Root[Any]]:
        """The aggregates."""
        async for _, value in self._scratch.scan(_ROOT + f"{self._decider.topic}{NUL}".encode()):
            yield self._root(value)

    async def known_details(self) -> AsyncIterator[bytes]:
        """The keys of all details that must have a row, for the row of their aggregate is as far as the event that made them."""
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
    """The type of a decider's states is what its functions return."""
    return get_type_hints(function)["return"]
