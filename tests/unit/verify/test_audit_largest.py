"""verify with the largest values that the contract allows, and with larger ones that a log may have."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from app.domain.customer import customer_decider
from app.domain.product import product_decider
from app.verify.findings import Findings
from app.verify.orders.collector import OrderFacts
from app.verify.orders.facts import FactsOfOrder
from app.verify.reading import records as wire
from app.verify.reading.disk_map import DiskMap
from app.verify.write_side.changelog_rows import ChangelogRows
from app.verify.write_side.refold import Refold
from schemas.customer import CreditLimitChanged, CustomerRegistered, PaymentProcessed
from schemas.envelopes import Event
from schemas.order import OrderItem, OrderPlaced
from schemas.product import ProductRegistered, StockReceived
from schemas.saga import Line, SagaStarted
from tests.support.handlers.world import record
from tests.unit.domain.test_saga_status import STARTED

QUANTITIES = st.sampled_from([1, 2, 999_999, 10**6])
PRICES = st.sampled_from([0, 1, 10**12 - 1, 10**12])
AMOUNTS = st.sampled_from([0, 1, 10**12, 2**63, 2**64, 10**21, 10**30])
"""Amounts, of which the last three exceed the contract. A log may have them all the same."""

QUICK = settings(deadline=None, max_examples=20, database=None)


@contextmanager
def scratch() -> Iterator[DiskMap]:
    """Yield a disk map that is removed afterwards."""
    with tempfile.TemporaryDirectory() as directory, closing(DiskMap(Path(directory) / "scratch")) as opened:
        yield opened


def envelope(kind: str, payload: Event) -> wire.Event:
    """Return the first event of an aggregate."""
    about = {"eventId": "e-1", "eventType": type(payload).__name__, "aggregateId": "o-1", "aggregateType": kind, "version": 1, "timestamp": "2026"}
    return wire.event(msgspec.json.encode({**about, "metadata": {"correlationId": "k", "causationId": "c"}, "payload": {}}))


async def told(orders: OrderFacts) -> FactsOfOrder:
    """Return the facts about the only order."""
    [found] = [each async for each in orders.told()]
    return found


@QUICK
@for_all(st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=5), st.integers(1, 200), AMOUNTS)
async def test_an_order_is_remembered_with_its_total_whatever_that_is(lines: list[tuple[int, int]], times: int, beyond: int) -> None:
    items = tuple(OrderItem(product_id=f"p-{number % 7}", quantity=quantity, price=price) for number, (quantity, price) in enumerate(lines * times))
    total = sum(item.quantity * item.price for item in items) + beyond
    pieces = {name: sum(item.quantity for item in items if item.product_id == name) for name in {item.product_id for item in items}}
    placed = OrderPlaced(customer_id="c", items=items, total_amount=total, currency="EUR", shipping_address="a", shipping_method="s")
    began = tuple(Line(product_id=product_id, quantity=quantity) for product_id, quantity in pieces.items())
    started = STARTED.model_copy(update={"customer_id": "c", "amount": total, "lines": began})
    with scratch() as opened:
        orders = OrderFacts(opened)
        _take(orders, "Order", placed)
        _take(orders, "Saga", started)

        found = await told(orders)

    assert found.placed == found.started
    assert found.placed is not None
    assert (found.placed.total, found.placed.pieces) == (total, pieces)


def _take(orders: OrderFacts, kind: str, payload: OrderPlaced | SagaStarted) -> None:
    states: tuple[Any, Any] = (None, None)
    orders.take(record("log", 0, b"o-1", b""), envelope(kind, payload), payload, states, sure=True)


@QUICK
@for_all(st.lists(st.one_of(QUANTITIES, AMOUNTS), min_size=1, max_size=20))
def test_the_stock_of_a_product_is_folded_whatever_it_comes_to(received: list[int]) -> None:
    registered = ProductRegistered(name="n", price=1, currency="EUR")

    with scratch() as opened:
        folds = Refold(product_decider, ChangelogRows(opened, Findings(), "changelog", 0), opened)
        _fold(folds, [registered, *(StockReceived.model_construct(quantity=quantity) for quantity in received)])

        root = folds.met("o-1", registered).root

    assert (root.state.on_hand, root.moved.get("StockReceived", 0)) == (sum(received), sum(received))


@QUICK
@for_all(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_the_credit_of_a_customer_is_folded_whatever_it_comes_to(paid: list[int]) -> None:
    registered = CustomerRegistered(name="n", email="e", credit_limit=10**12, currency="EUR")
    payments = [PaymentProcessed.model_construct(order_id=f"o-{number}", amount=amount, currency="EUR") for number, amount in enumerate(paid)]

    with scratch() as opened:
        folds = Refold(customer_decider, ChangelogRows(opened, Findings(), "changelog", 0), opened)
        _fold(folds, [registered, CreditLimitChanged.model_construct(credit_limit=sum(paid)), *payments])

        root = folds.met("o-1", registered).root

    assert (root.state.credit_limit, root.state.credit_used, root.moved.get("PaymentProcessed", 0)) == (sum(paid), sum(paid), sum(paid))


def _fold(folds: Refold, events: list[Event]) -> None:
    for version, event in enumerate(events, 1):
        folds.fold(folds.met("o-1", event), version, event, "cause", 0)


@pytest.mark.control
def test_an_order_that_is_kept_in_64_bits_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.verify.orders.collector._encode", msgspec.msgpack.encode)
    items = tuple(OrderItem(product_id=f"p-{number}", quantity=10**6, price=10**12) for number in range(19))
    placed = OrderPlaced(customer_id="c", items=items, total_amount=19 * 10**18, currency="EUR", shipping_address="a", shipping_method="s")

    with scratch() as opened, pytest.raises(OverflowError):
        _take(OrderFacts(opened), "Order", placed)
