"""The fulfilment saga as one `SagaDefinition`."""

from app.domain.order_fulfilment.commands import react, waiting
from app.domain.order_fulfilment.evolve import evolve
from app.domain.order_fulfilment.handle import Heard, hear
from app.domain.order_fulfilment.state import Saga, Unstarted, status
from app.eventsourcing.saga import SagaDefinition
from schemas.saga import SagaEvent

fulfilment: SagaDefinition[Saga, SagaEvent, Heard] = SagaDefinition(Unstarted(), evolve, hear, react, waiting, status)
