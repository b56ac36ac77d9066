"""All aggregate types with their tables."""

from tables.customer import customer_aggregate
from tables.order import order_aggregate
from tables.product import product_aggregate

AGGREGATES = (order_aggregate, product_aggregate, customer_aggregate)
