"""Whether a saga ends where its steps lead it, and says nothing after its end that its definition does not allow (contract, section 3)."""

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
"""What the last event of an ended saga is one of."""

_FAILING = (SagaStepFailed, SagaStepRetried, SagaStepSkipped)


def wrong_ends(saga: Saga, event: SagaEvent) -> Iterator[str]:
    """What is wrong with an event of a saga, which was so before it, as far as the end of the saga is concerned."""
    name, wanted = type(event).__name__, end(saga)
    if not isinstance(event, _allowed(saga)):
        yield f"{name} cannot follow when the saga is {status(saga)}"
    elif wanted and wanted != (event,) and not (isinstance(saga, Finishing) and isinstance(event, SagaStepRetried | SagaStepSkipped)):
        yield f"no step is open any more, and {name} follows where {type(wanted[0]).__name__} must, or says something else"
    elif isinstance(event, End) and not wanted and not by_operator(saga, event):
        yield f"{name} follows, and steps are still open"


def by_operator(saga: Saga, event: SagaEvent) -> bool:
    """True if the saga, which was so before the event, is ended by an operator; then what is left of it was settled by hand."""
    return isinstance(event, SagaCompleted | SagaFailed) and (
        isinstance(saga, NeedsIntervention) or (isinstance(saga, Running) and getattr(event, "reason", None) is not None)
    )


def _allowed(saga: Saga) -> tuple[type[SagaEvent], ...]:  # noqa: PLR0911 (one line for each state)
    """The types of events that may follow."""
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
