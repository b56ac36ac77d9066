"""Operators' commands to a saga. Depending on the states of saga and order, each leads to events or a refusal."""

from functools import reduce
from typing import assert_never, get_args

from app.domain.order import Cancelled, Order, Shipped
from app.domain.order import status as order_status
from app.domain.order_fulfilment.completion import NONE, Events, compensation, concluded, named, until, wait
from app.domain.order_fulfilment.evolve import evolve, resumed
from app.domain.order_fulfilment.state import (
    Compensating,
    Failed,
    Moving,
    NeedsIntervention,
    Running,
    Saga,
    Step,
    StepState,
    Unstarted,
    goes_back,
    status,
)
from app.eventsourcing.decider import At, Decider, Decision, by_name
from schemas.envelopes import Refusal
from schemas.saga import (
    CompleteSaga,
    ExtendDeadline,
    ForceCompensate,
    RetryStep,
    SagaCommand,
    SagaCompleted,
    SagaDeadlineExtended,
    SagaEvent,
    SagaFailed,
    SagaOrderShipped,
    SagaStepRetried,
    SagaStepSkipped,
    SkipStep,
)
from schemas.timestamp import milliseconds, rfc3339

Acting = Moving | NeedsIntervention
"""Saga with steps that operators can act on."""


def decide(command: SagaCommand, saga: Saga, order: Order | None, at: At) -> Decision[SagaEvent]:
    """Return the events of an operator's command, or the refusal that says why it is not possible now."""
    if isinstance(saga, Unstarted):
        return Refusal(code="not-found", message="the order has no saga")
    decision = _decide(command, saga, order, milliseconds(at))
    return decision if isinstance(decision, Refusal) else concluded(saga, decision)


def _decide(command: SagaCommand, saga: Saga, order: Order | None, at_ms: int) -> Events | Refusal:
    match command:
        case RetryStep() | SkipStep():
            turned: Events = (SagaOrderShipped(),) if isinstance(order, Shipped) and isinstance(saga, Acting) and goes_back(saga) else NONE
            events = _on_step(command, reduce(evolve, turned, saga), at_ms)
            return events if isinstance(events, Refusal) else (*turned, *events)
        case ForceCompensate():
            return _illegal(saga) if isinstance(saga, Compensating | Failed) else _force(command, saga, order, at_ms)
        case CompleteSaga():
            return _complete(command, saga, order) if isinstance(saga, Acting) else _illegal(saga)
        case ExtendDeadline():
            return _extend(command, saga) if isinstance(saga, Running) else _illegal(saga)
        case never:
            assert_never(never)


def _illegal(saga: Saga) -> Refusal:
    return Refusal(code="illegal-transition", message=f"not possible when the saga is {status(saga)}", state=status(saga))


def _on_step(command: RetryStep | SkipStep, saga: Saga, at_ms: int) -> Events | Refusal:
    if not isinstance(saga, Acting):
        return _illegal(saga)
    step = next((step for step in saga.steps if (step.name, step.product_id) == (command.step, command.product_id)), None)
    if step is None or step.state is StepState.NONE:
        return Refusal(code="not-found", message=f"the saga has no step {Step(command.step, command.product_id)} now")
    if not step.is_open and step.state is not StepState.FAILED:
        return Refusal(code="illegal-transition", message=f"the step is {step.state}", state=step.state)
    return _retry(command, saga, step, at_ms) if isinstance(command, RetryStep) else _skip(command, saga, step, at_ms)


def _retry(command: RetryStep, saga: Acting, step: Step, at_ms: int) -> Events:
    """Retry a step. One that failed for good needs another command id, because the same command would get the same result."""
    attempt = step.attempt + (step.state is StepState.FAILED)
    return (SagaStepRetried(**named(step), attempt=attempt, wait_until=until(saga, at_ms), reason=command.reason),)


def _skip(command: SkipStep, saga: Acting, step: Step, at_ms: int) -> Events | Refusal:
    if step.name in {"order", "confirmation"}:
        return Refusal(code="illegal-transition", message="confirm or cancel the order instead", state=status(saga))
    following = wait(resumed(saga) if isinstance(saga, NeedsIntervention) else saga, step, at_ms)
    return (SagaStepSkipped(**named(step), wait_until=following, reason=command.reason),)


def _force(command: ForceCompensate, saga: Saga, order: Order | None, at_ms: int) -> Events | Refusal:
    if isinstance(order, Shipped):
        return Refusal(code="illegal-transition", message="the order has been shipped", state=order_status(order))
    return (compensation(saga, command.reason, at_ms),)


def _complete(command: CompleteSaga, saga: Acting, order: Order | None) -> Events | Refusal:
    """Complete the saga by hand. Open steps must be settled first, because a result after the end would be neither compensated nor shipped."""
    open_ = next((step for step in saga.steps if step.is_open or (step.in_doubt and step.name == "reservation" and not goes_back(saga))), None)
    if open_ is not None or not isinstance(saga, NeedsIntervention):
        return Refusal(code="illegal-transition", message=f"{open_ or 'a step'} may still be answered: RetryStep or SkipStep it", state=status(saga))
    match order:
        case Shipped():
            return (SagaCompleted(reason=command.reason),)
        case Cancelled():
            return (SagaFailed(reason=command.reason),)
        case _:
            return Refusal(code="illegal-transition", message="cancel the order first", state=status(saga))


def _extend(command: ExtendDeadline, saga: Running) -> Events:
    return (SagaDeadlineExtended(deadline_at=rfc3339(saga.deadline_ms + 1000 * command.seconds), reason=command.reason),)


saga_decider: Decider[SagaCommand, SagaEvent, Saga, Order] = Decider(
    aggregate_type="Saga",
    topic="saga",
    commands=by_name(RetryStep, SkipStep, ForceCompensate, CompleteSaga, ExtendDeadline),
    events=by_name(*get_args(SagaEvent)),
    initial=Unstarted(),
    decide=decide,
    evolve=evolve,
    publication=None,
)
