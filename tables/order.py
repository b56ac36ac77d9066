"""Tables of the Order."""

from app.domain.order import order_decider
from app.handlers.aggregate_repository import Answers, Paired
from app.streams.app import app
from tables.fulfilment import orders, sagas


class Orders(Paired):
    """Orders, each decided together with its saga."""

    beside = sagas


order_answers = app.Table("order-answer", value_type=Answers)

order_aggregate = Orders(app, order_decider, orders, order_answers)
