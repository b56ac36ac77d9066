"""Every aggregate type there is: topics, commands and checks follow from this list."""

from app.domain.customer import customer_decider
from app.domain.order import order_decider
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.product import product_decider
from app.eventsourcing.decider import Decider

DECIDERS: tuple[Decider, ...] = (order_decider, product_decider, customer_decider)

EVENT_SOURCED: tuple[Decider, ...] = (*DECIDERS, saga_decider)
"""Sagas, too: they take commands of operators, and are moved by more than commands."""
