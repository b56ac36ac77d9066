"""Tables of one aggregate type: its snapshots, the details that its commands name, and the commands it has answered."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct
from msgspec.structs import replace

from app.eventsourcing.decide import WINDOW
from app.eventsourcing.decider import Decider, order_named
from app.streams.application import Application
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from schemas.upcasters import upcasters

State = TypeVar("State")


class Snapshot(Struct, Generic[State], frozen=True, gc=False):
    """State of an aggregate after its events; `version` is that of the last one.

    No row refers to itself, so the garbage collector need not look at thousands of them.
    """

    version: int
    state: State


class CommandOutcome(Struct, frozen=True, omit_defaults=True, gc=False):
    """First result of a command. Its event ids follow from the command id."""

    version: int
    events: int = 0
    code: str | None = None
    message: str | None = None
    state: str | None = None
    command: str = ""
    """Type of the command."""
    body: str = ""
    """Digest of the command's type and payload; empty where the outcome was learnt from the log."""


Answers = dict[str, CommandOutcome]
"""Outcomes by command id, the oldest first."""


class Found(NamedTuple):
    """First result of a command, or None; the order in whose dedup window it was found; and the window of the order that was asked for."""

    outcome: CommandOutcome | None
    order_id: str | None
    window: Answers


class AggregateRepository:
    """Decider and tables of one aggregate type. The runtime uses it to rebuild the rows from the log."""

    def __init__(self, app: Application, decider: Decider, snapshots: Table[Any], answers: Table[Answers], details: Table[Any] | None = None) -> None:
        self.decider = decider
        self.events = app.side.settings.topic(f"events.{decider.topic}")
        self.tables = [table for table in (snapshots, details) if table is not None]
        self.fingerprint = _fingerprint(decider, self.tables)
        self._snapshots = snapshots
        self._details = details
        self._answers = answers
        self._none = Snapshot(0, decider.initial)
        app.folds(self)

    def snapshot(self, aggregate_id: str) -> Snapshot[Any]:
        """Return the aggregate; version 0 and the initial state when it does not exist."""
        return self._snapshots.get(aggregate_id) or self._none

    def detail(self, aggregate_id: str, order_id: str | None) -> Any:  # noqa: ANN401 (the decider's own state)
        """Return the detail of the aggregate for one order, or None."""
        return None if self._details is None or order_id is None else self._details.get(_beside(aggregate_id, order_id))

    def save(self, aggregate_id: str, snapshot: Snapshot[Any], order_id: str | None, detail: Any) -> None:  # noqa: ANN401 (the decider's own state)
        """Save the aggregate, and the detail of the one order that was named."""
        self._snapshots[aggregate_id] = snapshot
        if self._details is not None and order_id is not None and detail is not None:
            self._details[_beside(aggregate_id, order_id)] = detail

    def answered_before(self, aggregate_id: str, order_id: str | None, command_id: str) -> Found:
        """Find the first result of this command.

        The search begins in the dedup window of the same order, and ends in that of commands that name no order.
        """
        return _find(self._answers.get, aggregate_id, order_id, command_id)

    def committed_answer(self, store: StateStore, aggregate_id: str, order_id: str | None, command_id: str) -> Found:
        """Find the same in committed rows. Callers outside of a transaction use it."""
        return _find(partial(self._answers.committed, store), aggregate_id, order_id, command_id)

    def committed_snapshot(self, store: StateStore, aggregate_id: str) -> Snapshot[Any] | None:
        """Return the aggregate as the last committed transaction left it; None when it does not exist."""
        return self._snapshots.committed(store, aggregate_id)

    def remember(self, aggregate_id: str, order_id: str | None, command_id: str, answered: CommandOutcome, window: Answers) -> None:
        """Keep the first result of a command. The oldest one leaves a full dedup window; `window` is the order's as it was found."""
        answers = {**window}
        answers.pop(command_id, None)
        answers[command_id] = answered
        if len(answers) > WINDOW:
            del answers[next(iter(answers))]
        self._answers[_beside(aggregate_id, order_id)] = answers

    def apply(self, event: ConsumerRecord) -> None:
        """Apply one event of the log to the tables."""
        envelope = msgspec.json.decode(event.value)
        aggregate_id, payload = envelope["aggregateId"], self._payload(envelope)
        order_id = order_named(payload)
        before, detail = self.snapshot(aggregate_id), self.detail(aggregate_id, order_id)
        state = self.decider.evolve(before.state, payload)
        self.save(aggregate_id, Snapshot(envelope["version"], state), order_id, self.decider.evolve_detail(detail, payload))

    def accepted(self, event: ConsumerRecord) -> None:
        """Remember the command that caused an event of the log."""
        envelope = msgspec.json.decode(event.value)
        order_id, command_id = order_named(self._payload(envelope)), envelope["metadata"]["causationId"]
        before, _, window = self.answered_before(envelope["aggregateId"], order_id, command_id)
        self.remember(envelope["aggregateId"], order_id, command_id, CommandOutcome(envelope["version"], before.events + 1 if before else 1), window)

    def answered(self, result: ConsumerRecord) -> None:
        """Remember the command of a result, if it was to this aggregate type and the result is the first one."""
        answer = msgspec.json.decode(result.value)
        if answer["aggregateType"] != self.decider.aggregate_type or answer["outcome"] == "parked" or answer.get("duplicate"):
            return
        refusal = answer.get("refusal") or {}
        known = CommandOutcome(answer["version"], len(answer["eventIds"]), refusal.get("code"), refusal.get("message"), refusal.get("state"))
        order_id = dict(result.headers).get("order-id", b"").decode() or None
        window = self._answers.get(_beside(answer["aggregateId"], order_id)) or {}
        self.remember(answer["aggregateId"], order_id, answer["commandId"], replace(known, command=answer["commandType"]), window)

    def _payload(self, envelope: dict[str, Any]) -> Any:  # noqa: ANN401 (one of the decider's events)
        kind = envelope["eventType"]
        return self.decider.events[kind].model_validate(upcasters.upcast(kind, envelope.get("schemaVersion", 1), envelope["payload"]))


class Paired(AggregateRepository):
    """Repository of an aggregate that is decided together with one of another type. Both have the same id and therefore the same task."""

    beside: Table[Any]
    """Snapshots of the other type."""

    def detail(self, aggregate_id: str, order_id: str | None) -> Any:  # noqa: ANN401 (the other type's state)
        """Return the state of the other aggregate, or None when there is none."""
        del order_id
        other = self.beside.get(aggregate_id)
        return None if other is None else other.state


def _find(row: Callable[[str], Answers | None], aggregate_id: str, order_id: str | None, command_id: str) -> Found:
    window = row(_beside(aggregate_id, order_id)) or {}
    known = window.get(command_id)
    if known is not None or order_id is None:
        return Found(known, order_id, window)
    return Found((row(aggregate_id) or {}).get(command_id), None, window)


def _fingerprint(decider: Decider, tables: list[Table[Any]]) -> str:
    """Compute a fingerprint that changes when the events of a log may lead to other rows than before."""
    functions: list[Callable[..., Any]] = [decider.evolve, decider.evolve_detail, *(step.upcast for name in decider.events for step in upcasters.steps(name))]
    rows = [(table.name, msgspec.json.schema(table.value_type)) for table in tables]
    events = [(name, upcasters.version(name), model.model_json_schema()) for name, model in decider.events.items()]
    return fingerprint(functions, [*rows, *events])


def _beside(aggregate_id: str, order_id: str | None) -> str:
    """Return the row key for an aggregate, or for one order of it: `id` or `id/orderId`. Ids never contain a slash."""
    return aggregate_id if order_id is None else f"{aggregate_id}/{order_id}"
