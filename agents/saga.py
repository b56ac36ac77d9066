"""Agent of the fulfilment saga. The saga handles its order's events in the transaction that writes them, and every other input through its inbox."""

from agents import order
from app.domain.order_fulfilment.handle import Placed
from app.domain.order_fulfilment.process import fulfilment
from app.domain.registry import FULFILMENT
from app.handlers.command_handler import Batches, outbox, serve
from app.handlers.commands import Causation
from app.handlers.reactions import EmittedEvents, heard, origin
from app.handlers.saga_inbox import OperatorCommandHandler, SagaInbox
from app.handlers.saga_manager import SagaManager
from app.settings import Settings
from app.streams.app import app
from schemas.envelopes import Event
from schemas.order import OrderPlaced
from schemas.saga import Timing
from tables.saga import saga_aggregate

NAME = FULFILMENT.name


class StartFulfilment:
    """Reaction to orders: passes their events to their sagas."""

    name = NAME

    def __init__(self, settings: Settings, conductor: SagaManager) -> None:
        self._conductor = conductor
        self._deadline_ms = round(settings.saga_deadline_s * 1000)
        self._timing = Timing(
            step_timeout_ms=round(settings.saga_step_timeout_s * 1000), backoff_ms=round(settings.saga_backoff_s * 1000), retries=settings.saga_retries
        )

    def follow(self, followed: EmittedEvents) -> None:
        """Pass the events of an order to its saga."""
        cause, origins = followed.cause, origin(followed.cause.metadata)
        for event, identity in zip(followed.events, followed.event_ids, strict=True):
            caused = Causation(origins.correlation_id, identity, None, origins.trace_id)
            what = self._placed(event, origins.correlation_id)
            self._conductor.hear(what, heard(cause.aggregate_id, caused, cause.at, cause.record, cause.headers), identity)

    def _placed(self, event: Event, correlation_id: str) -> object:
        return Placed(event, correlation_id, self._timing, self._deadline_ms) if isinstance(event, OrderPlaced) else event


saga_outbox = outbox(saga_aggregate.decider)
conductor = app.wakes(SagaManager(app.side.settings, NAME, fulfilment, saga_aggregate, saga_outbox))
operators = OperatorCommandHandler(saga_aggregate, saga_outbox)
operators.followers.append(conductor)
order.answer.followers.append(StartFulfilment(app.side.settings, conductor))
inbox = app.conducts(NAME, SagaInbox(conductor, operators))


@app.agent(app.inbox(NAME), isolated_partitions=True, name=NAME)
async def saga(batches: Batches) -> None:
    """Handle every result, and every command of an operator."""
    await serve(batches, inbox)
