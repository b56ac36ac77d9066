"""Fulfilment of orders by their sagas, with all agents and views running: latency of one order, throughput, and whether the lag stays flat.

An order of one line is four commands (PlaceOrder, ProcessPayment, ReserveInventory, ConfirmOrder), three results for its saga, and ten events.
It counts as confirmed when a read_committed consumer receives its OrderConfirmed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

import psutil
from confluent_kafka import Consumer

from app.settings import Settings
from bench.engine import WHOLE, Failed, Running
from bench.figures import Cost, bottleneck, cost, other_load, percentile, table
from bench.lag import Lag, sampled
from bench.latency import WARM_S, consumer, next_event
from bench.load import due_ns_of
from bench.many import OPENED
from bench.meter import Meter
from bench.place import PARTITIONS, Place, machine, say
from bench.shop import customers, orders, products
from bench.told import Told

PER_SECOND = 50
AT_ONCE = 5_000
SHARE = 0.7
"""Share of the throughput: a load that a worker must keep up with."""

OPEN_S = 120.0
REGISTERED_S = 60.0

STEADY = ("confirmed/s", "p50 ms", "p99 ms", "max ms", "sent late", "transactions/s", "per order", "worker us/order", "broker us/order", "other load, cores")
THROUGH = ("orders/s", "transactions per order", "worker us/order", "broker us/order", "other load, cores")


class Seen(NamedTuple):
    """Measured cost and transactions of orders.

    For a steady load also the latencies in milliseconds, sorted, and the number of orders sent late.
    """

    cost: Cost
    transactions: float
    ordered_ms: list[float]
    late: int


class Shop(NamedTuple):
    """Running worker that serves all partitions, with registered products and customers."""

    settings: Settings
    running: Running
    told: Told
    meter: Meter


def run(place: Place, seconds: int, minutes: int) -> None:
    """Print a table of each of the three measurements. Throughput comes first, so that the broker is warm for the others."""
    through = _measure_through(place)
    print("\n".join(_through(through)), flush=True)
    print("\n".join(_steady(_measure_steady(place, seconds), seconds)), flush=True)
    per_second = max(1, round(SHARE * through.cost.commands_per_s))
    print("\n".join(_lag(_measure_lag(place, per_second, minutes), per_second, minutes)), flush=True)


def _measure_steady(there: Place, seconds: int) -> Seen:
    say(f"fulfilment: {PER_SECOND} orders/s by HTTP for {WARM_S} + {seconds} s")
    with _shop(there, "steady") as shop, closing(consumer(there, shop.settings)) as events:
        words = ["-m", "bench.shoppers", shop.told.url, str(PER_SECOND), str(WARM_S + seconds)]
        with _load(shop, words) as process:
            for _ in range(PER_SECOND * WARM_S):
                _next_confirmed(events)
            first, before = shop.meter.sample(), _transactions(shop)
            ordered_ms = sorted(_latency_ms(events) for _ in range(PER_SECOND * seconds))
            last, after = shop.meter.sample(), _transactions(shop)
            late, failed = map(int, process.communicate()[0].split())
    if failed:
        raise Failed(f"{failed} orders were not answered with 201")
    return Seen(cost(first, last, len(ordered_ms)), after - before, ordered_ms, late)


def _measure_through(there: Place) -> Seen:
    say(f"fulfilment: {AT_ONCE:,} orders at once")
    with _shop(there, "through") as shop, closing(consumer(there, shop.settings)) as events:
        before = _transactions(shop)
        with shop.running.stopped():
            there.fill(shop.settings, orders(range(AT_ONCE)))
            first = shop.meter.sample()
        for _ in range(AT_ONCE):
            _next_confirmed(events)
        return Seen(cost(first, shop.meter.sample(), AT_ONCE), _transactions(shop) - before, [], 0)


def _measure_lag(there: Place, per_second: int, minutes: int) -> list[Lag]:
    say(f"fulfilment: {per_second} orders/s for {minutes} minutes")
    with _shop(there, "lag") as shop:
        words = ["-m", "bench.load", shop.settings.bootstrap, shop.settings.topic("commands.order"), str(per_second), str(WARM_S + 60 * minutes + 60), "shop"]
        with _load(shop, words):
            time.sleep(WARM_S)
            return sampled(shop.running, shop.told, 60 * minutes)


@contextmanager
def _shop(there: Place, name: str) -> Iterator[Shop]:
    with there.fresh(name) as settings, Running(WHOLE, settings) as running:
        running.until_said(OPENED, OPEN_S, times=2 * PARTITIONS)
        shop = Shop(settings, running, Told(running), Meter(there, settings, running))
        _until_accepted(shop, there.fill(settings, products(), "product") + there.fill(settings, customers(), "customer"))
        yield shop


def _until_accepted(shop: Shop, commands: int) -> None:
    deadline_s = time.monotonic() + REGISTERED_S
    while shop.told.total("foldstream_commands_total", lambda labels: labels["outcome"] == "accepted") < commands:
        if time.monotonic() > deadline_s:
            raise Failed(f"products and customers were not registered within {REGISTERED_S:.0f} s")
        time.sleep(0.2)


@contextmanager
def _load(shop: Shop, words: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:  # noqa: S603 (our own words)
        shop.meter.own.append(psutil.Process(process.pid))
        try:
            yield process
        finally:
            process.terminate()


def _transactions(shop: Shop) -> float:
    return shop.told.total("foldstream_transactions_total", lambda labels: labels["outcome"] == "committed")


def _latency_ms(events: Consumer) -> float:
    due_ns = due_ns_of(_next_confirmed(events))
    return (time.time_ns() - due_ns) / 1e6


def _next_confirmed(events: Consumer) -> bytes:
    """Return the id of the next confirmed order."""
    while True:
        event = next_event(events)
        if ("event-type", b"OrderConfirmed") in (event.headers() or []):
            return event.key() or b""


def _steady(seen: Seen, seconds: int) -> list[str]:
    percentiles = [f"{percentile(seen.ordered_ms, share):.0f}" for share in (0.5, 0.99, 1.0)]
    spent = seen.cost
    per_order = seen.transactions / len(seen.ordered_ms)
    counted = [str(seen.late), f"{per_order * spent.commands_per_s:.0f}", f"{per_order:.2f}"]
    row = [f"{spent.commands_per_s:.0f}", *percentiles, *counted, f"{spent.worker_us:,.0f}", f"{spent.broker_us:,.0f}", other_load(spent)]
    return ["", f"From POST to CONFIRMED: {PER_SECOND} orders/s for {seconds} s, {_about()}", "", table(STEADY, [row])]


def _through(seen: Seen) -> list[str]:
    spent = seen.cost
    row = [f"{spent.commands_per_s:.0f}", f"{seen.transactions / AT_ONCE:.3f}", f"{spent.worker_us:,.0f}", f"{spent.broker_us:,.0f}", other_load(spent)]
    return [
        "",
        f"All the way through: {AT_ONCE:,} orders at once, {_about()}",
        "",
        table(THROUGH, [row]),
        "",
        f"What held it up: {bottleneck(spent, os.cpu_count() or 1)}.",
    ]


def _lag(found: list[Lag], per_second: int, minutes: int) -> list[str]:
    about = f"Lag: {per_second} orders/s ({SHARE:.0%} of that) for {minutes} minutes, {_about()}"
    return ["", about, "", table(("lag_records of", "first", "median", "largest", "last"), [each.cells() for each in found])]


def _about() -> str:
    return f"one worker with all agents, {PARTITIONS} partitions, {machine()}"
