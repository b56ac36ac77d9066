"""Traffic of the demo: many orders at the same time, each until its saga has ended."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from app.client.commands import CommandClient
from app.client.results import Json
from app.demo.orders import Kind, Order, Shop
from app.demo.sagas import Sagas
from app.replay.commands import ENDS

SHOPPERS = 40
"""Orders in progress at the same time."""

STEPS = ("placed", "paid", "reserved", "confirmed", "undone")
"""Steps of orders that are counted."""

_REACHED = {
    ("SagaStepCompleted", "order"): "placed",
    ("SagaStepCompleted", "payment"): "paid",
    ("SagaStepCompleted", "reservation"): "reserved",
    ("SagaCompleted", None): "confirmed",
    ("SagaFailed", None): "undone",
}
"""Step that an event of a saga completes, by the event's type and the saga step that it names."""


class Traffic:
    """Traffic that sends commands, remembers them, and counts the steps of the orders."""

    def __init__(self, client: CommandClient, sagas: Sagas, shop: Shop, counted: Callable[[str], None]) -> None:
        """`counted` is called with each step that an order reaches, and with "finished" at the end of each order."""
        self._sagas = sagas
        self._sagas.tell(self._told)
        self._client = client
        self._shop = shop
        self._counted = counted
        self.sent = Counter[str]()
        """How often each command was sent, by its id."""

    async def register(self) -> None:
        """Register the shop's products and customers."""
        async for _ in self._client.send_all(self._note(self._shop.registrations())):
            pass

    async def orders(self, numbers: Iterable[int]) -> None:
        """Take the orders of these numbers through all their steps."""
        shared = iter(numbers)
        await asyncio.gather(*(self._shopper(shared) for _ in range(SHOPPERS)))

    async def repeat(self, number: int) -> Json:
        """Place an order again, with the same command, and return the result."""
        return await self._send(self._shop.order(number).place())

    async def confirm(self, order_id: str) -> Json:
        """Confirm an order that this traffic has not placed, and return the result."""
        return await self._send(self._shop.confirm(order_id))

    async def _shopper(self, shared: Iterator[int]) -> None:
        for number in shared:
            order = self._shop.order(number)
            await self._send(order.place())
            await self._sagas.end(order.identity, ENDS)
            await self._go_on(order)
            self._counted("finished")

    async def _go_on(self, order: Order) -> None:
        """Cancel or ship an order after the end of its saga, as its kind requires."""
        match order.kind:
            case Kind.CANCELLED:
                await self._send(order.cancel())
                await self._sagas.end(order.identity, ["SagaFailed"])
            case Kind.SHIPPED:
                await self._send(order.ship())
                await self._send(order.restock())  # the product processes it after the news of the shipping
            case _:
                pass

    def _told(self, event: Json) -> None:
        """Count the step of a saga's event, if the saga is of this run."""
        step = _REACHED.get((event["eventType"], event["payload"].get("step")))
        if step is not None and event["aggregateId"].startswith(self._shop.token):
            self._counted(step)

    async def _send(self, command: Json) -> Json:
        [noted] = self._note([command])
        return await self._client.send(noted)

    def _note(self, commands: Iterable[Json]) -> Iterator[Json]:
        for command in commands:
            self.sent[command["commandId"]] += 1
            yield command
