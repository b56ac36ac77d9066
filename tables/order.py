"""The Order's tables."""

from app.domain.order import Order, order_decider
from app.kernel.app import app
from tables.aggregate import Aggregate, Answers, Snapshot

orders = app.Table("order", value_type=Snapshot[Order])
order_answers = app.Table("order-answer", value_type=Answers)

order_aggregate = Aggregate(app, order_decider, orders, order_answers)
