"""Client that retries until it has its order, whatever happens to its requests and to the workers."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import cycle
from typing import Any, NamedTuple

import aiohttp
import msgspec

from app.client.log_reader import LogReader
from app.settings import Settings
from tests.support.http.client import Answer, Client

RETRY_S = 0.2


class Placed(NamedTuple):
    """Order, as a client learned of it or as the log has it."""

    order_id: str
    version: int


Orders = Mapping[str, list[Placed]]
"""Orders by customer. Each client is another customer."""


async def placed(settings: Settings) -> Orders:
    """Read every order from the log."""
    found: defaultdict[str, list[Placed]] = defaultdict(list)
    async with LogReader(settings) as log:
        async for record in log.topic(settings.topic("events.order")):
            event: dict[str, Any] = msgspec.json.decode(record.value)
            if event["eventType"] == "OrderPlaced":
                found[event["payload"]["customerId"]].append(Placed(event["aggregateId"], event["version"]))
    return found


class Buyer:
    """Client that wants one order, and asks any of the workers until it has it."""

    def __init__(self, name: str, clients: list[Client], order: Mapping[str, Any]) -> None:
        """Prepare a request with `order` as body, and an Idempotency-Key with the buyer's name."""
        self.name = name
        self._order = order
        self._clients = cycle(clients if hash(name) % 2 else clients[::-1])
        self.statuses: Counter[int] = Counter()

    async def buys(self) -> Placed:
        """Return the order that a 201 confirmed, or the result that a 202 pointed to."""
        while True:
            answer = await self._asked("POST", "/orders", self._order, idempotency_key=f"key-{self.name}")
            if answer is not None and answer.status == 201:
                return Placed(answer.body["orderId"], answer.body["version"])
            if answer is not None and answer.status == 202 and (told := await self._outcome(answer.headers["location"])):
                return told
            await asyncio.sleep(RETRY_S)

    async def _outcome(self, location: str) -> Placed | None:
        """Return the result at this location, or None if the command never arrived or no worker knows its result."""
        while (answer := await self._asked("GET", location)) is not None and answer.status == 202:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(RETRY_S)
        if answer is None or answer.status != 200:
            return None
        assert answer.body["outcome"] == "accepted"
        return Placed(answer.body["aggregateId"], answer.body["version"])

    async def _asked(self, method: str, path: str, body: object = None, **headers: str) -> Answer | None:
        try:
            answer = await next(self._clients).ask(method, path, body, **headers)
        except (aiohttp.ClientError, TimeoutError):
            return None
        self.statuses[answer.status] += 1
        assert answer.status in ({201, 202, 503} if method == "POST" else {200, 202, 404, 503}), answer
        return answer
