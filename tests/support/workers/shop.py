"""Commands of a shop (customers, products, orders), and the end of each order as the log has it."""

from collections.abc import Collection, Iterable, Mapping
from itertools import count
from typing import Any

from app.client.results import Json
from app.streams.kafka.partitioner import partition_of
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results

SENT = "2026-01-01T00:00:00.000Z"
ENDS = {"SagaCompleted", "SagaFailed", "SagaNeedsIntervention"}


def located(stem: str, wanted: Collection[int], partitions: int) -> str:
    """Return an id that begins with the stem, of an aggregate in one of the wanted partitions."""
    names = (f"{stem}-{number}" for number in count())
    return next(name for name in names if partition_of(name.encode(), partitions) in wanted)


def command(kind: str, aggregate: str, command_type: str, command_id: str = "", user: str | None = None, **payload: Any) -> Json:  # noqa: ANN401 (any JSON)
    """Return a command, whose id follows from its type and aggregate."""
    named = {"commandId": command_id or f"{command_type}-{aggregate}", "commandType": command_type, "aggregateId": aggregate, "aggregateType": kind}
    return {**named, "timestamp": SENT, "metadata": {"userId": user} if user else {}, "payload": payload}


def customer(name: str, credit: int = 1_000) -> Json:
    """Return the command that registers a customer with this credit, in EUR."""
    return command("Customer", name, "RegisterCustomer", name="Ada", email="a@example.org", creditLimit=credit, currency="EUR")


def product(name: str, stock: int = 10) -> list[Json]:
    """Return the commands that register a product and fill its stock."""
    registered = command("Product", name, "RegisterProduct", name="A thing", price=5, currency="EUR")
    return [registered, command("Product", name, "ReceiveStock", quantity=stock)] if stock else [registered]


def order(name: str, *products: str, customer: str = "c-1") -> Json:
    """Return the command that orders one piece of each product, for 5 EUR each."""
    items = [{"productId": each, "quantity": 1, "price": 5} for each in products]
    return command("Order", name, "PlaceOrder", customerId=customer, items=items, shippingAddress="Here 1", currency="EUR")


class Events(Results):
    """Collects all events of a log of record: `async with sagas(environment) as found`."""

    def kinds(self, order_id: str) -> list[str]:
        """Return the types of one saga's events in order, with the names of their steps."""
        return kinds(self.all, order_id)

    async def ended(self, order_ids: Iterable[str], within_s: float = 200) -> None:
        """Wait until the last event of each of these sagas is an end."""
        waiting = set(order_ids)
        await until(lambda: waiting <= {name for name, kind in self.lasts().items() if kind in ENDS}, within_s)

    async def last(self, wanted: Mapping[str, str], within_s: float = 200) -> None:
        """Wait until these are the last events, by aggregate."""
        await until(lambda: wanted.items() <= self.lasts().items(), within_s)

    def lasts(self) -> dict[str, str]:
        """Return the type of the last event of each aggregate."""
        return {event["aggregateId"]: event["eventType"] for event in self.all}


def kinds(events: Iterable[Json], order_id: str) -> list[str]:
    """Return the types of one saga's events in order, with the names of their steps."""
    return [_told(event) for event in events if event["aggregateId"] == order_id]


def sagas(environment: Environment) -> Events:
    """Return a collector of the events of an environment's sagas."""
    return Events(environment.settings, topic="events.saga")


async def stands(environment: Environment, kind: str, wanted: Mapping[str, str]) -> None:
    """Wait until these are the last events of aggregates of one kind."""
    async with Events(environment.settings, topic=f"events.{kind.lower()}") as events:
        await events.last(wanted)


def _told(event: Json) -> str:
    payload = event["payload"]
    named = [payload[name] for name in ("step", "productId") if name in payload]
    return " ".join([event["eventType"].removeprefix("Saga"), *named])
