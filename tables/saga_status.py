"""How the fulfilment of each order goes, by status, the newest first."""

from app.domain.fulfilment import fold
from app.domain.views.saga_status import SagaStatus, project
from app.kernel.app import app
from app.topics import event_topic
from tables.listing import Listing

sagas = app.Table("saga-status", value_type=SagaStatus)
places = app.Table("saga-status-place", value_type=str)


class SagaStatuses(Listing[SagaStatus]):
    """A read model: the heading is the status."""

    agent = "saga_status"


saga_statuses = SagaStatuses(event_topic(app.side.settings, "Saga"), sagas, places, project, fold.evolve)
