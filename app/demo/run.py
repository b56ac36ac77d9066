"""Run of the demo from the first record to the summary, on a running broker."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

from rich.console import Console

from app.client.commands import CommandClient
from app.demo.checks import Check, Run, checks
from app.demo.ends import ends
from app.demo.evidence import Evidence
from app.demo.orders import Shop
from app.demo.sagas import Sagas
from app.demo.screen import Bars, summary
from app.demo.strange import OLD_ORDER, place_old_order, poison
from app.demo.traffic import Traffic
from app.demo.worker import Worker
from app.settings import Settings
from app.topics import admin

REPEATED = 3
"""Number of the order that is placed twice with one command."""

SLOW_S = 1.0
"""Pause between two orders of the slow traffic (seconds)."""


class Demo:
    """Demo that places `orders` orders, kills the worker half-way, and checks the log."""

    def __init__(self, chosen: Settings, console: Console, orders: int) -> None:
        self._chosen = chosen
        self._console = console
        self._orders = orders
        self._shop = Shop(f"demo-{secrets.token_hex(4)}")
        self._counts = Counter[str]()

    async def run(self, slow_s: float | None) -> bool:
        """Run the demo and return True if every check held. Slow traffic follows for `slow_s` seconds, without end if that is None, until an interrupt."""
        await admin.apply(self._chosen)
        old = await place_old_order(self._chosen)
        parked_from = await ends(self._chosen, [self._chosen.topic("parked")])
        self._say("an OrderPlaced of schema version 1 is in the new log" if old else "the log is not new, so it gets no event of an old schema")
        async with Worker(self._chosen, self._say) as worker:
            self._say(f"a worker is starting; it logs to {worker.log}")
            self._say(f"it serves HTTP at {self._chosen.web_url(worker.web_port)}/docs" if worker.web_port else "it serves HTTP at the port that its log tells")
            await worker.ready()
            async with CommandClient(self._chosen) as client, Sagas(self._chosen) as sagas:
                run = await self._traffic(client, sagas, worker, old=old)
                held = await self._summary(run, parked_from)
                if slow_s != 0:
                    await self._slow(client, sagas, slow_s)
        return held

    async def _traffic(self, client: CommandClient, sagas: Sagas, worker: Worker, *, old: bool) -> Run:
        """Write the poison record, then send the orders. The poison has the key of a later order: if it blocked that order, the demo would not end."""
        poisoned = self._shop.order(REPEATED).identity
        await poison(self._chosen, poisoned)
        with Bars(self._console, self._orders) as bars:
            traffic = Traffic(client, sagas, self._shop, lambda step: self._counted(step, bars, worker))
            await traffic.register()
            await traffic.orders(range(1, self._orders + 1))
        repeated = await traffic.repeat(REPEATED)
        answer = await traffic.confirm(OLD_ORDER) if old else None
        return Run(self._shop, self._orders, traffic.sent, repeated["commandId"], poisoned, answer)

    def _counted(self, step: str, bars: Bars, worker: Worker) -> None:
        bars.counted(step)
        self._counts[step] += 1
        if step == "finished" and self._counts[step] == self._orders // 2:
            self._say(f"killing the worker (kill -9) in the middle, after {self._counts[step]} orders")
            worker.kill()

    async def _summary(self, run: Run, parked_from: Sequence[int]) -> bool:
        found = await Evidence.read(self._chosen, self._shop, parked_from)
        judged: list[Check] = list(checks(run, found))
        self._console.print(*summary(found, judged), sep="\n")
        self._say("every check held" if (held := all(check.held for check in judged)) else "a check is BROKEN")
        return held

    async def _slow(self, client: CommandClient, sagas: Sagas, slow_s: float | None) -> None:
        """Place orders slowly for `slow_s` seconds, or until interrupted."""
        traffic = Traffic(client, sagas, self._shop, lambda _: None)
        self._say(f"an order a second goes on; see one with `foldstream events {self._shop.order(REPEATED).identity}`; Ctrl-C ends it")
        with suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(slow_s):
                await self._trickle(traffic)

    async def _trickle(self, traffic: Traffic) -> None:
        for number in count(self._orders + 1):
            await traffic.orders([number])
            await asyncio.sleep(SLOW_S)

    def _say(self, what: str) -> None:
        self._console.print(f"[bold]>[/] {what}", highlight=False, soft_wrap=True)
