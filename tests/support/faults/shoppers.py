"""Clients that place orders over HTTP while everything breaks, one order after the other."""

import asyncio
from types import TracebackType
from typing import Self

import aiohttp

from app.settings import Settings
from tests.support.faults.stage import Stage
from tests.support.http.buyer import Buyer, Placed, placed
from tests.support.http.client import PLACE
from tests.support.waiting import until

SHOPPERS = 4
PAUSE_S = 0.2
"""Pause of a shopper between two orders, so that other commands are most of the load (seconds)."""

ANSWER_S = 20.0
"""Time that a client waits for an answer, as the recipe for clients recommends (seconds)."""


class Shoppers:
    """Shoppers, whose answers are compared with the log: `async with Shoppers(stage) as shoppers`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = asyncio.Event()
        self._open = asyncio.Event()
        self._resting = 0
        self._told: dict[str, Placed] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        self._open.set()
        self._shopping = [asyncio.create_task(self._shop(f"shopper-{number}")) for number in range(SHOPPERS)]
        return self

    async def __aexit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        for each in self._shopping:
            each.cancel()
        await asyncio.wait(self._shopping)
        await self._session.close()

    @property
    def orders(self) -> int:
        """Number of orders that were confirmed to the shoppers."""
        return len(self._told)

    async def rest(self) -> None:
        """Return once each shopper has its current order, and starts no other."""
        self._open.clear()
        await until(lambda: self._resting == sum(not each.done() for each in self._shopping), within_s=200)

    def shop(self) -> None:
        """Resume shopping."""
        self._open.set()

    async def findings(self, settings: Settings) -> list[str]:
        """Wait for the last order of each shopper. Then return a line for each shopper whose answer differs from the log."""
        self._over.set()
        ended = await asyncio.gather(*self._shopping, return_exceptions=True)
        misled = [f"a shopper was answered what no worker says: {error!r}" for error in ended if error is not None]
        in_log = await placed(settings)
        return misled + [f"{name} was told {told}, the log has {in_log.get(name)}" for name, told in self._told.items() if in_log.get(name) != [told]]

    async def _shop(self, name: str) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            customer = f"{name}-{number}"
            buyer = Buyer(customer, self._stage.clients(self._session), {**PLACE, "customerId": customer})
            self._told[customer] = await buyer.buys()
            await asyncio.sleep(PAUSE_S)
            self._resting += 1
            await self._open.wait()
            self._resting -= 1
