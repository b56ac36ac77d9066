"""Status of each order's fulfilment, the newest first, and the number of sagas in each status."""

from app.domain.order_fulfilment import evolve as fold
from app.domain.order_fulfilment import state
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.read_models.saga_status import SagaStatus, place, project
from app.handlers.list_projection import ListFold
from app.handlers.status_list_projection import StatusListProjection
from app.streams.app import app
from app.topics.contract import event_topic

sagas = app.Table("saga-status", value_type=SagaStatus)
places = app.Table("saga-status-place", value_type=str, cached=False)
counts = app.Table("saga-status-count", value_type=int)


class SagaStatuses(StatusListProjection[SagaStatus]):
    """Read model of sagas by status."""

    agent = "saga_status"


saga_statuses = SagaStatuses(
    event_topic(app.side.settings, "Saga"), sagas, places, counts, ListFold(saga_decider.events, project, place, [fold.evolve, state.status])
)
