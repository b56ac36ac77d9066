"""Registry of all aggregate types. Topics, commands and checks follow from it."""

from app.domain.customer import customer_decider
from app.domain.order import order_decider
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.product import product_decider
from app.eventsourcing.decider import Decider

DECIDERS: tuple[Decider, ...] = (order_decider, product_decider, customer_decider)

EVENT_SOURCED: tuple[Decider, ...] = (*DECIDERS, saga_decider)
"""All deciders, including the saga's. Operators send commands to sagas, but sagas also change by events, results and timers."""
