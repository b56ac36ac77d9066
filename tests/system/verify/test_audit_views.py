"""verify and the tables of views: it compares the rows that workers show with the log, finds each damaged row, and names unchecked views."""

import signal
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
import pytest

from app.streams.projections.generation_store import tables as all_of
from app.streams.state.store import StateStore
from app.verify.read_models.customer_name_check import TOLD
from app.verify.read_models.history_check import ENTRIES, VERSIONS
from app.verify.read_models.registry import UNCHECKED, VIEWS
from app.verify.run import audit
from tables.customer_account import customer_accounts
from tables.customer_orders import customer_orders
from tables.history import histories
from tables.order_summary import order_summaries
from tables.orders_by_status import orders_by_status
from tables.product_stock import stock
from tables.saga_status import saga_statuses
from tests.support.http.client import ready
from tests.support.workers.environment import Environment
from tests.support.workers.shop import command, customer, order, product, sagas
from tests.support.workers.worker import UNHURRIED, Worker

Rows = dict[bytes, bytes]
"""Rows on the disk of a view, by their keys there."""

Damage = Callable[[Rows, str], None]
"""Function that damages rows of a table."""

MODELS = (histories, order_summaries, customer_orders, orders_by_status, stock, customer_accounts, saga_statuses)
SHOP = [customer("c-1"), customer("c-2"), *product("p-1", 3), *product("p-2")]
ORDERS = [f"o-{number}" for number in range(5)]


@pytest.fixture
async def shop(one_partition: Environment) -> Environment:
    """Return an environment with a worker and several orders. Three were confirmed; one of these was cancelled later, and another shipped."""
    one_partition.worker("worker", program=UNHURRIED)
    await one_partition.send(SHOP)
    async with sagas(one_partition) as found:
        await one_partition.send([order(name, "p-1") for name in ORDERS])
        await found.ended(ORDERS)
        await one_partition.send([command("Order", "o-0", "CancelOrder", reason="changed my mind"), command("Order", "o-1", "ShipOrder")])
        await found.last({"o-0": "SagaFailed"})
    await one_partition.caught_up()
    await one_partition.folded()
    return one_partition


async def audited(environment: Environment) -> tuple[list[str], list[str]]:
    """Run verify. Return its findings, and its lines about views."""
    lines: list[str] = []
    findings = await audit(environment.settings, tell=lines.append)
    return findings, [line for line in lines if line.startswith("views: ")]


async def ended(worker: Worker) -> None:
    worker.signal(signal.SIGTERM)
    assert await worker.exit_code(within_s=60) == 0


def of(rows: Rows, table: str) -> list[bytes]:
    """Return the keys of a table's rows."""
    return sorted(name for name in rows if name.startswith(f"{table}@".encode()))


def changed(rows: Rows, table: str) -> None:
    """Change a field of the first row."""
    name = of(rows, table)[0]
    row = msgspec.json.decode(rows[name])
    rows[name] = msgspec.json.encode({**row, "lastUpdated": "2026-01-01T00:00:00.000Z"} if "lastUpdated" in row else {**row, "eventId": "another"})


def removed(rows: Rows, table: str) -> None:
    """Remove the last row."""
    del rows[of(rows, table)[-1]]


def unlisted(rows: Rows, table: str) -> None:
    """Remove one order from the list."""
    [name] = [name for name in of(rows, table) if rows[name] == b'"o-2"']
    del rows[name]


def renamed(rows: Rows, table: str) -> None:
    """Change the name in the first row."""
    name = of(rows, table)[0]
    rows[name] = msgspec.json.encode({**msgspec.json.decode(rows[name]), "name": "Eve"})


def behind(rows: Rows, table: str) -> None:
    """Set the first row back by one version."""
    name = of(rows, table)[0]
    row = msgspec.json.decode(rows[name])
    rows[name] = msgspec.json.encode({**row, "version": row["version"] - 1})


def extra(rows: Rows, table: str) -> None:
    """Add a row of an aggregate without events."""
    name = of(rows, table)[0]
    rows[name + b"9"] = rows[name]


def twice(rows: Rows, table: str) -> None:
    """List the first entry under another heading, too."""
    name = of(rows, table)[0]
    rows[name.replace(b"\0", b"\0AGAIN/")] = rows[name]


def other(rows: Rows, table: str) -> None:
    """Change the first row's number or heading."""
    name = of(rows, table)[0]
    found: Any = msgspec.json.decode(rows[name])
    rows[name] = msgspec.json.encode(f"{found}9" if isinstance(found, str) else found + 1)


CHANGED: list[tuple[str, Damage, str]] = [
    *((view.table, changed, "differs from what its events fold to in lastUpdated") for view in VIEWS),
    *((view.counts, other, "counts {") for view in VIEWS if view.counted),
    *((view.places, other, "is listed, and has no event behind it") for view in VIEWS if view.place),
    (TOLD, renamed, "is called otherwise than it was at version 1"),
    (ENTRIES, changed, "is not the event that is in the log"),
    (VERSIONS, behind, "and the last event is"),
]
MOVED: list[tuple[str, Damage, str]] = [
    ("order-summary", behind, "differs from what its events fold to in"),
    ("product-stock", extra, "has no event behind it"),
    *((view.places, twice, "/o-") for view in VIEWS if view.place),
    (ENTRIES, extra, "has no event behind it"),
    (VERSIONS, extra, "and the last event is 0"),
]
REMOVED: list[tuple[str, Damage, str]] = [
    *((view.table, removed, "is missing") for view in VIEWS),
    *((view.places, unlisted, "is listed at []") for view in VIEWS if view.place),
    (TOLD, removed, "is missing"),
    (ENTRIES, removed, "is missing"),
    (VERSIONS, removed, "is missing"),
]


@pytest.mark.long
@pytest.mark.control
@pytest.mark.parametrize("damages", [CHANGED, MOVED, REMOVED], ids=["changed", "moved", "removed"])
async def test_each_damaged_row_of_a_view_is_found(shop: Environment, damages: list[tuple[str, Damage, str]]) -> None:
    [worker] = shop.workers
    findings, [views] = await audited(shop)
    assert findings == []
    assert views.startswith(
        "views: 5 of order_summary, 5 of customer_orders, 5 of orders_by_status, 2 of product_stock, 2 of customer_account, 5 of saga_status"
    )
    await ended(worker)
    for table, how, _ in damages:
        damage(worker, table, how)
    worker.start()
    async with aiohttp.ClientSession() as session:
        await ready(session, worker)

    findings, [views] = await audited(shop)

    assert "unchecked" not in views
    for table, _, told in damages:
        assert any(line.startswith(f"wrong-view: {table} [0] ") and told in line for line in findings), (table, told, findings)


def damage(worker: Worker, table: str, how: Damage) -> None:
    """Damage rows on the disk of a worker that has ended and had only one view."""
    [path] = worker.datadir.rglob("view-0")
    store = StateStore(path)
    before = dict(store.scan(b""))
    after = dict(before)
    how(after, table)
    store.write([(name, after.get(name)) for name in {*before, *after} if after.get(name) != before.get(name)])
    store.flush()
    store.close()


async def test_where_no_worker_runs_views_are_said_to_be_unchecked(shop: Environment) -> None:
    [worker] = shop.workers
    await ended(worker)

    assert await audited(shop) == ([], ["views: unchecked (no worker serves them)"])


async def test_a_worker_that_was_killed_does_not_answer(shop: Environment) -> None:
    [worker] = shop.workers
    worker.signal(signal.SIGKILL)
    await worker.exit_code(within_s=60)

    assert await audited(shop) == ([], [f"views: unchecked (the worker at {worker.url} does not answer)"])


def test_every_table_of_a_read_model_is_compared_or_said_not_to_be() -> None:
    compared = {table for view in VIEWS for table in view.tables}

    assert {model.agent for model in MODELS} == {view.name for view in VIEWS} | {"history"}
    assert compared | {ENTRIES, VERSIONS, TOLD} | UNCHECKED == {table.name for model in MODELS for table in all_of(model)}
