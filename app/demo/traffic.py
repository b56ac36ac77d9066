"""The demo's traffic: orders on their way, many at once, each step waiting for the result of the one before."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from app.client import CommandClient
from app.demo.orders import Order, Shop
from app.results import Json

SHOPPERS = 40
"""Orders on their way at once."""

STEPS = ("placed", "paid", "reserved", "confirmed", "refused")
"""What is counted of orders."""


class Traffic:
    """Sends commands, remembers which, and counts what became of the orders."""

    def __init__(self, client: CommandClient, shop: Shop, counted: Callable[[str], None]) -> None:
        """`counted` is told each step as it is reached, and "finished" at the end of each order's way."""
        self._client = client
        self._shop = shop
        self._counted = counted
        self.sent = Counter[str]()
        """How often each command was sent, by its id."""

    async def register(self) -> None:
        """The shop's products and customers."""
        async for _ in self._client.send_all(self._note(self._shop.registrations())):
            pass

    async def orders(self, numbers: Iterable[int]) -> None:
        """Take the orders of these numbers through all their steps."""
        shared = iter(numbers)
        await asyncio.gather(*(self._shopper(shared) for _ in range(SHOPPERS)))

    async def repeat(self, number: int) -> Json:
        """Place an order again, with the same command: the result."""
        return await self._send(self._shop.order(number).place())

    async def confirm(self, order_id: str) -> Json:
        """Confirm an order that somebody else placed: the result."""
        return await self._send(self._shop.confirm(order_id))

    async def _shopper(self, shared: Iterator[int]) -> None:
        for number in shared:
            await self._fulfil(self._shop.order(number))
            self._counted("finished")

    async def _fulfil(self, order: Order) -> None:
        """Do the steps, or undo in reverse order what was done; a saga will take this over."""
        await self._step("placed", order.place())
        if not await self._step("paid", order.pay()):
            await self._undo(order.cancel("the payment was refused"))
        elif not await self._step("reserved", order.reserve()):
            await self._undo(order.refund(), order.cancel("out of stock"))
        else:
            await self._step("confirmed", order.confirm())

    async def _undo(self, *commands: Json) -> None:
        self._counted("refused")
        for command in commands:
            await self._send(command)

    async def _step(self, step: str, command: Json) -> bool:
        accepted: bool = (await self._send(command))["outcome"] == "accepted"
        if accepted:
            self._counted(step)
        return accepted

    async def _send(self, command: Json) -> Json:
        [noted] = self._note([command])
        return await self._client.send(noted)

    def _note(self, commands: Iterable[Json]) -> Iterator[Json]:
        for command in commands:
            self.sent[command["commandId"]] += 1
            yield command
