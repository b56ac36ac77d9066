"""A client that has to have its order, whatever becomes of its requests and of the workers."""

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
    """An order as a client was told of it, or as the log has it."""

    order_id: str
    version: int


Orders = Mapping[str, list[Placed]]
"""By customer, of whom each client is another."""


async def placed(settings: Settings) -> Orders:
    """Every order in the log."""
    found: defaultdict[str, list[Placed]] = defaultdict(list)
    async with LogReader(settings) as log:
        async for record in log.topic(settings.topic("events.order")):
            event: dict[str, Any] = msgspec.json.decode(record.value)
            if event["eventType"] == "OrderPlaced":
                found[event["payload"]["customerId"]].append(Placed(event["aggregateId"], event["version"]))
    return found


class Buyer:
    """Wants one order, and asks any of the workers for it until it has it."""

    def __init__(self, name: str, clients: list[Client], order: Mapping[str, Any]) -> None:
        """`order` is the body of its request, whose Idempotency-Key has the buyer's name."""
        self.name = name
        self._order = order
        self._clients = cycle(clients if hash(name) % 2 else clients[::-1])
        self.statuses: Counter[int] = Counter()

    async def buys(self) -> Placed:
        """What it was told in the end, by a 201 or by where a 202 pointed to."""
        while True:
            answer = await self._asked("POST", "/orders", self._order, idempotency_key=f"key-{self.name}")
            if answer is not None and answer.status == 201:
                return Placed(answer.body["orderId"], answer.body["version"])
            if answer is not None and answer.status == 202 and (told := await self._outcome(answer.headers["location"])):
                return told
            await asyncio.sleep(RETRY_S)

    async def _outcome(self, location: str) -> Placed | None:
        """What the result says; None when the command never came, or nobody can tell."""
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
