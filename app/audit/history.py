"""The log of record of one aggregate type in one partition: what is wrong with it, and whether the rows are what it folds to."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct, to_builtins
from pydantic import ValidationError

from app.audit import wire
from app.audit.causes import Caused, Causes
from app.audit.conservation import losses
from app.audit.finding import NUL, Findings, Kind, place
from app.audit.logs import Batch
from app.audit.rows import Rows
from app.audit.scratch import Scratch
from app.domain.answer import Standing
from app.domain.decider import Decider, order_named
from app.kernel.routing import partition_of
from schemas.message import Event
from schemas.upcasts import NewerSchema, upcasters

_UNFOLDABLE = (*wire.UNREADABLE, ValidationError, NewerSchema, AssertionError)
"""What reading and folding an event raise when it, or one before it, is not what it must be."""

State = TypeVar("State")


class Root(Struct, Generic[State], array_like=True):
    """An aggregate as its events left it."""

    version: int
    state: State
    known: int | None = 0
    """The version in its row, 0 when there is no row; None when that cannot be known."""
    ahead: bool = False
    """Whether it has events that are not in its row."""
    cause: str = ""
    """The command of its last event, and the order that it named."""
    index: int = -1
    """The place of its last event in the decision of that command."""


class Detail(Struct, Generic[State], array_like=True):
    """What stands beside an aggregate for one order."""

    since: int
    """The version of the aggregate that made it."""
    state: State


_ROOT, _DETAIL, _ID = b"root\0", b"detail\0", b"id\0"
_encode = msgspec.msgpack.Encoder().encode


class History:
    """Folds events with the deciders and nothing else of the product."""

    def __init__(self, decider: Decider, rows: Rows, causes: Causes, scratch: Scratch, findings: Findings, partitions: int) -> None:  # noqa: PLR0913, PLR0917 (what events are held against)
        self._decider = decider
        self._rows = rows
        self._causes = causes
        self._scratch = scratch
        self._findings = findings
        self._partitions = partitions
        self._root = msgspec.msgpack.Decoder(Root[_returned(decider.evolve)]).decode  # type: ignore[misc]  # the decider's own type
        self._detail = msgspec.msgpack.Decoder(Detail[_returned(decider.evolve_detail)]).decode  # type: ignore[misc]  # the same

    def read(self, batch: Batch) -> None:
        """Fold these records."""
        for record in batch.records:
            try:
                event = wire.event(record.value or b"")
                self._take(record, event, self._payload(event), sure=record.offset < batch.sure)
            except _UNFOLDABLE as error:
                self._findings.add(Kind.UNREADABLE, place(record), f"cannot be folded: {error!r}")

    async def finish(self) -> None:
        """Hold what is left of the rows against the folds, once all events are read."""
        for table in filter(None, (self._decider.topic, self._decider.detail)):
            async for key, row in self._rows.left(table):
                self._rows.at_end(key, row, self._folded(key))
        async for key, value in self._scratch.scan(_DETAIL + f"{self._decider.detail}{NUL}".encode()):
            self._require(key.removeprefix(_DETAIL), self._detail(value).since)

    def _folded(self, key: bytes) -> Any:  # noqa: ANN401 (any JSON)
        if (root := self._scratch.get(_ROOT + key)) is not None:
            version, state, *_ = msgspec.msgpack.decode(root)
            return {"version": version, "state": state}
        return None if (detail := self._scratch.get(_DETAIL + key)) is None else msgspec.msgpack.decode(detail)[1]

    def _require(self, beside: bytes, since: int) -> None:
        """The row of a detail is there as soon as its aggregate's row is as far as the event that made it."""
        aggregate_id = beside.decode().partition(NUL)[2].partition("/")[0]
        known = self._root_of(_key(self._decider.topic, aggregate_id)).known
        if known is not None and since <= known and self._rows.missing(beside):
            self._rows.add(beside, "is missing")

    def _payload(self, event: wire.Event) -> Event:
        payload: Event = self._decider.events[event.event_type].model_validate(upcasters.upcast(event.event_type, event.schema_version, event.payload))
        return payload

    def _take(self, record: ConsumerRecord, event: wire.Event, payload: Event, *, sure: bool) -> None:
        """A version that was there before is not folded again, as no reader of the log would."""
        key = _key(self._decider.topic, event.aggregate_id)
        root = self._root_of(key)
        for kind, fault in (*self._misplaced(record, event), *self._repeated(event), *_out_of_turn(event, root.version)):
            self._findings.add(kind, place(record), fault)
        if event.version > root.version:
            self._fold(record, event, payload, key, root, sure=sure)

    def _fold(self, record: ConsumerRecord, event: wire.Event, payload: Event, key: bytes, root: "Root[Any]", *, sure: bool) -> None:  # noqa: PLR0913 (an event, and what it meets)
        order_id = order_named(payload)
        beside = None if self._decider.detail is None or order_id is None else _key(self._decider.detail, f"{event.aggregate_id}/{order_id}")
        detail = None if beside is None else self._detail_of(beside)
        state = None if detail is None else detail.state
        self._judge(event, key, root, beside, detail, sure=sure)
        cause = f"{event.metadata.causation_id}{NUL}{order_id or ''}"
        index = root.index + 1 if root.cause == cause else 0
        caused = Caused(event, payload, index, Standing(root.version, root.state, state), sure)
        for kind, fault in (*self._causes.faults(caused), *((Kind.NOT_CONSERVED, loss) for loss in losses(payload, root.state, state))):
            self._findings.add(kind, place(record), fault)
        folded = Root(event.version, self._decider.evolve(root.state, payload), root.known, root.ahead, cause, index)
        self._scratch.put(_ROOT + key, _encode(folded))
        if beside is not None and (after := self._decider.evolve_detail(state, payload)) is not None:
            self._scratch.put(_DETAIL + beside, _encode(Detail(event.version if detail is None else detail.since, after)))

    def _judge(self, event: wire.Event, key: bytes, root: "Root[Any]", beside: bytes | None, detail: "Detail[Any] | None", *, sure: bool) -> None:  # noqa: PLR0913 (a row, and what it is held against)
        """An event that is not in the rows: what is there is held against what comes before it."""
        if root.known is None or event.version <= root.known:
            return
        if not root.ahead:
            root.ahead = True
            self._rows.judge(key, {"version": root.version, "state": to_builtins(root.state)})
            if sure:
                self._rows.add(key, f"is at version {root.known}, and {event.version} is in the log" if root.known else "is missing")
        if beside is not None and detail is not None:
            self._rows.judge(beside, to_builtins(detail.state))

    def _misplaced(self, record: ConsumerRecord, event: wire.Event) -> Iterator[tuple[Kind, str]]:
        if record.key != event.aggregate_id.encode():
            yield Kind.WRONG_KEY, f"the key {record.key!r} is not the aggregate's id {event.aggregate_id}"
        elif (partition := partition_of(record.key, self._partitions)) != record.partition:
            yield Kind.WRONG_PARTITION, f"{event.aggregate_id} belongs to partition {partition}"
        if event.aggregate_type != self._decider.aggregate_type:
            yield Kind.WRONG_KEY, f"an event of a {event.aggregate_type}"

    def _repeated(self, event: wire.Event) -> Iterator[tuple[Kind, str]]:
        key = _ID + event.event_id.encode()
        if self._scratch.get(key) is not None:
            yield Kind.EVENT_ID_TWICE, f"the event id {event.event_id} was there before"
        self._scratch.put(key, b"\0")

    def _root_of(self, key: bytes) -> "Root[Any]":
        found = self._scratch.get(_ROOT + key)
        root: Root[Any] = Root(0, self._decider.initial, self._rows.version(key)) if found is None else self._root(found)
        return root

    def _detail_of(self, key: bytes) -> "Detail[Any] | None":
        found = self._scratch.get(_DETAIL + key)
        detail: Detail[Any] | None = None if found is None else self._detail(found)
        return detail


def _out_of_turn(event: wire.Event, version: int) -> Iterator[tuple[Kind, str]]:
    if event.version != version + 1:
        kind = Kind.VERSION_GAP if event.version > version else Kind.VERSION_REPEAT
        yield kind, f"version {event.version} of {event.aggregate_id} follows {version}"


def _returned(function: Callable[..., Any]) -> Any:  # noqa: ANN401 (a type)
    """The type of a decider's states is what its functions return."""
    return get_type_hints(function)["return"]


def _key(table: str, name: str) -> bytes:
    return f"{table}{NUL}{name}".encode()
