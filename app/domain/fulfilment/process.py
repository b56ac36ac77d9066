"""The fulfilment saga as one value."""

from app.domain.fulfilment.asks import react, waiting
from app.domain.fulfilment.fold import evolve
from app.domain.fulfilment.hear import Heard, hear
from app.domain.fulfilment.state import Saga, Unstarted, status
from app.eventsourcing.saga import Process
from schemas.saga import SagaEvent

fulfilment: Process[Saga, SagaEvent, Heard] = Process(Unstarted(), evolve, hear, react, waiting, status)
