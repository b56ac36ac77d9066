"""Read model of the fulfilment saga: its steps and their compensation, with times and reasons."""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.order_fulfilment.evolve import evolve
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.order_fulfilment.state import Failed, Running, Saga, Step, StepState, Unstarted, goes_back, status
from app.eventsourcing import sort_keys as listed
from app.eventsourcing.recorded_event import RecordedEvent, UnexpectedEvent
from schemas.saga import SagaEvent, SagaStarted, SagaStepFailed
from schemas.upcasters import upcasters


class ShownStep(Struct, frozen=True, rename="camel"):
    """Step with its `state` since `at`, and the reason. TO_UNDO is the first state of its compensation."""

    step: str
    product_id: str | None
    state: str
    at: str
    reason: str | None = None


class SagaStatus(Struct, frozen=True, rename="camel"):
    """Row of a saga. `saga` is the state to which the next event is applied; readers of the row do not need it."""

    order_id: str
    status: str
    definition: int
    started_at: str
    deadline_at: str
    reason: str | None
    steps: tuple[ShownStep, ...]
    version: int
    last_updated: str
    saga: Saga


_UNDOING = {
    StepState.PENDING: "TO_UNDO",
    StepState.ASKED: "UNDOING",
    StepState.PAUSED: "UNDOING_PAUSED",
    StepState.DONE: "UNDONE",
    StepState.FAILED: "NOT_UNDONE",
}


def project(row: SagaStatus | None, event: RecordedEvent) -> SagaStatus:
    """Return the row after an event."""
    what = _event(event)
    match what, row:
        case SagaStarted(), None:
            return _started(what, event)
        case _, SagaStatus():
            return _moved(row, what, event)
        case _:
            raise UnexpectedEvent(event)


def place(row: SagaStatus) -> str:
    """Return the saga's place in the list of its status. An event that changes the status moves the saga."""
    return listed.place(row.status, row.started_at, row.order_id)


def _event(event: RecordedEvent) -> SagaEvent:
    payload = upcasters.upcast(event.event_type, event.schema_version, msgspec.json.decode(event.payload))
    read: SagaEvent = saga_decider.events[event.event_type].model_validate(payload)
    return read


def _started(what: SagaStarted, event: RecordedEvent) -> SagaStatus:
    saga = evolve(Unstarted(), what)
    assert isinstance(saga, Running), "a saga that has started runs"
    steps = tuple(ShownStep(step.name, step.product_id, step.state, event.timestamp) for step in saga.steps)
    since = (what.definition, event.timestamp, what.deadline_at)
    return SagaStatus(event.aggregate_id, status(saga), *since, None, steps, event.version, event.timestamp, saga)


def _moved(row: SagaStatus, what: SagaEvent, event: RecordedEvent) -> SagaStatus:
    saga = evolve(row.saga, what)
    return replace(
        row,
        status=status(saga),
        deadline_at=getattr(what, "deadline_at", row.deadline_at),
        reason=_reason(row, saga, what),
        steps=_shown(row.steps, saga, what, event.timestamp),
        version=event.version,
        last_updated=event.timestamp,
        saga=saga,
    )


def _reason(row: SagaStatus, saga: Saga, what: SagaEvent) -> str | None:
    """Return the reason for the saga's current status, if a state or an event gave one."""
    return getattr(saga, "reason", None) or (getattr(what, "reason", None) if status(saga) != row.status else row.reason)


def _shown(steps: tuple[ShownStep, ...], saga: Saga, what: SagaEvent, at: str) -> tuple[ShownStep, ...]:
    """Return the steps after an event. A step changes if its state does, or if the event is about it.

    The steps are looked up in a dictionary, because there may be a thousand of them.
    """
    about = (getattr(what, "step", None), getattr(what, "product_id", None))
    found: dict[tuple[str, str | None], Step] = {(step.name, step.product_id): step for step in _steps(saga)}
    after = [_step(shown, found.pop((shown.step, shown.product_id), None), saga, (what, at), named=about == (shown.step, shown.product_id)) for shown in steps]
    return (*after, *(ShownStep(step.name, step.product_id, step.state, at) for step in found.values()))


def _step(shown: ShownStep, found: Step | None, saga: Saga, said: tuple[SagaEvent, str], *, named: bool) -> ShownStep:
    state, (what, at) = _state(shown, found, saga), said
    return replace(shown, state=state, at=at, reason=_why(what) if named else None) if named or state != shown.state else shown


def _state(shown: ShownStep, found: Step | None, saga: Saga) -> str:
    """Return the step's state. A step that the saga no longer has keeps its last state."""
    match saga:
        case Failed():
            return "UNDONE" if shown.state in _UNDOING.values() else shown.state
        case _ if found is None or found.state is StepState.NONE:
            return shown.state
        case _:
            return _UNDOING[found.state] if goes_back(saga) else str(found.state)


def _steps(saga: Saga) -> tuple[Step, ...]:
    return getattr(saga, "steps", ())


def _why(what: Any) -> str | None:  # noqa: ANN401 (any event about a step)
    refusal = getattr(what, "refusal", None)
    if refusal is not None:
        return f"{refusal.code}: {refusal.message}"
    return what.outcome if isinstance(what, SagaStepFailed) else getattr(what, "reason", None)
