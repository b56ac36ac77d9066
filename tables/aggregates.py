"""All aggregate types with their tables, in the order of the registry: `tables/order.py` declares `order_aggregate`."""

from importlib import import_module

from app.domain.registry import DECIDERS
from app.handlers.aggregate_repository import AggregateRepository

AGGREGATES: tuple[AggregateRepository, ...] = tuple(getattr(import_module(f"tables.{each.topic}"), f"{each.topic}_aggregate") for each in DECIDERS)
