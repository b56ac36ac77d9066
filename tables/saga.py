"""Tables of the saga: its row, and the operators' commands that it has answered."""

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.handlers.aggregate_repository import Answers
from app.handlers.saga_repository import SagaRepository
from app.streams.app import app
from tables.fulfilment import orders, sagas


class Sagas(SagaRepository):
    """Sagas of orders, each decided together with its order."""

    beside = orders


saga_answers = app.Table("saga-answer", value_type=Answers)

saga_aggregate = Sagas(app, saga_decider, sagas, saga_answers)
