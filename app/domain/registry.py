"""Registry of the shop: aggregates, sagas, policies and feeds. Topics, commands, checks and what has to be declared at the start follow from it."""

from typing import NamedTuple

from app.domain.customer import customer_decider
from app.domain.order import order_decider
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.product import product_decider
from app.eventsourcing.decider import Decider


class Saga(NamedTuple):
    """Saga: its name, as in its inbox `saga.<name>`, what it reacts to, and the decider of its operators' commands."""

    name: str
    follows: Decider
    decider: Decider


class Policy(NamedTuple):
    """Policy: its name, and the aggregate type to whose events it reacts."""

    name: str
    follows: Decider


DECIDERS: tuple[Decider, ...] = (order_decider, product_decider, customer_decider)
"""Aggregate types that take commands on a topic of their own."""

FULFILMENT = Saga("order-fulfilment", order_decider, saga_decider)
SAGAS = (FULFILMENT,)

SHIPPING = Policy("shipping", order_decider)
POLICIES = (SHIPPING,)

EVENT_SOURCED: tuple[Decider, ...] = (*DECIDERS, *(saga.decider for saga in SAGAS))
"""Everything that has a log of record: the aggregates, and the sagas, which more than commands move."""

ORDERING = "ordering"
"""Feed in which a partition with orders asks for the name of their customer. Its keys are customer ids."""

CUSTOMER_NAME = "customer-name"
"""Feed that sends a customer's name to a partition with orders of that customer. Its keys are the ids of the first order there."""

FEEDS = (ORDERING, CUSTOMER_NAME)
