"""Check of a saga's end: it follows from the steps, and only allowed events follow it (contract, section 3)."""

from collections.abc import Iterator
from typing import assert_never

from app.domain.order_fulfilment.completion import end
from app.domain.order_fulfilment.state import Compensating, Completed, Failed, Finishing, NeedsIntervention, Running, Saga, Unstarted, status
from schemas.saga import (
    SagaCompensationStarted,
    SagaCompleted,
    SagaDeadlineExtended,
    SagaEvent,
    SagaFailed,
    SagaNeedsIntervention,
    SagaOrderShipped,
    SagaStarted,
    SagaStepCompensated,
    SagaStepCompleted,
    SagaStepFailed,
    SagaStepRetried,
    SagaStepSkipped,
    SagaTimedOut,
)

End = SagaCompleted | SagaFailed | SagaNeedsIntervention
"""Types of the last event of an ended saga."""

_FAILING = (SagaStepFailed, SagaStepRetried, SagaStepSkipped)


def wrong_ends(saga: Saga, event: SagaEvent) -> Iterator[str]:
    """Yield the faults of a saga's event that concern the saga's end. `saga` is the state before the event."""
    name, wanted = type(event).__name__, end(saga)
    if not isinstance(event, _allowed(saga)):
        yield f"{name} cannot follow when the saga is {status(saga)}"
    elif wanted and wanted != (event,) and not (isinstance(saga, Finishing) and isinstance(event, SagaStepRetried | SagaStepSkipped)):
        yield f"no step is open any more, and {name} follows where {type(wanted[0]).__name__} must, or says something else"
    elif isinstance(event, End) and not wanted and not by_operator(saga, event):
        yield f"{name} follows, and steps are still open"


def by_operator(saga: Saga, event: SagaEvent) -> bool:
    """Return True if the event is an operator's end of the saga. The remaining steps were then settled by hand.

    `saga` is the state before the event.
    """
    return isinstance(event, SagaCompleted | SagaFailed) and (
        isinstance(saga, NeedsIntervention) or (isinstance(saga, Running) and getattr(event, "reason", None) is not None)
    )


def _allowed(saga: Saga) -> tuple[type[SagaEvent], ...]:  # noqa: PLR0911 (one line for each state)
    """Return the types of events that may follow."""
    match saga:
        case Unstarted():
            return (SagaStarted,)
        case Running():
            return (SagaStepCompleted, *_FAILING, SagaTimedOut, SagaDeadlineExtended, SagaOrderShipped, SagaCompensationStarted, SagaCompleted)
        case Finishing():
            return (SagaStepCompleted, *_FAILING, SagaCompleted, SagaNeedsIntervention)
        case Compensating():
            return (SagaStepCompensated, *_FAILING, SagaOrderShipped, SagaFailed, SagaNeedsIntervention)
        case Completed():
            return (SagaCompensationStarted,)
        case NeedsIntervention():
            heard = (SagaStepCompleted,) if saga.shipped else (SagaStepCompensated, SagaOrderShipped, SagaCompensationStarted, SagaFailed)
            return (SagaStepRetried, SagaStepSkipped, *heard, SagaCompleted)
        case Failed():
            return ()
        case never:
            assert_never(never)
