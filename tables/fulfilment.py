"""Rows of orders and of their sagas. An order and its saga have one key and one task, and each is decided together with the other's row."""

from app.domain.order import Order
from app.domain.order_fulfilment.state import Saga
from app.handlers.aggregate_repository import Snapshot
from app.streams.app import app

orders = app.Table("order", value_type=Snapshot[Order])
sagas = app.Table("saga", value_type=Snapshot[Saga])
