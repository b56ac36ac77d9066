"""Orders whose saga has ended: verify compares the facts from all partitions with the saga's end."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from app.domain import shipping
from app.domain.order_fulfilment.commands import Way, asked_by
from app.domain.order_fulfilment.state import Step
from app.verify.orders.facts import FactsOfOrder, OrderEvent, OrderTerms, SagaEnd
from app.verify.orders.settlement import Course, course, faults

ORDER, CUSTOMER, PRODUCT = "o-1", "c-1", "p-1"
WANTED = OrderTerms(CUSTOMER, 10, "EUR", {PRODUCT: 2})
BY_HAND = "by-hand"

Happening = tuple[tuple[str, str], OrderEvent]
Change = Callable[[FactsOfOrder], FactsOfOrder]


def by_saga(way: Way, step: Step, attempt: int = 1) -> str:
    """Return the id of the command that the saga sends for a step, or for its compensation."""
    return list(asked_by(ORDER, way, step, attempt))[-1]


def paid(cause: str = "", amount: int = 10, customer: str = CUSTOMER) -> Happening:
    return ("PaymentProcessed", customer), OrderEvent("paid", cause or by_saga("do", Step("payment")), amount, "EUR", 1)


def refunded(cause: str = "") -> Happening:
    return ("PaymentRefunded", CUSTOMER), OrderEvent("refunded", cause or by_saga("undo", Step("payment")), 10, "EUR", 2)


def paid_again() -> Happening:
    """Return the second payment that an operator had the saga send for a shipped order."""
    return ("PaymentProcessed", CUSTOMER), OrderEvent("paid again", by_saga("do", Step("payment"), 2), 10, "EUR", 3)


def reserved(amount: int = 2) -> Happening:
    return ("InventoryReserved", PRODUCT), OrderEvent("reserved", by_saga("do", Step("reservation", PRODUCT)), amount, version=1)


def released(attempt: int = 1) -> Happening:
    return ("InventoryReleased", PRODUCT), OrderEvent("released", by_saga("undo", Step("reservation", PRODUCT), attempt), 2, version=2)


def left(cause: str = "") -> Happening:
    return ("InventoryShipped", PRODUCT), OrderEvent("left", cause or shipping.asked_by("shipped", PRODUCT), 2, version=2)


def moved(event: str, cause: str = "") -> Happening:
    """Return an event of the order itself."""
    return (event, ""), OrderEvent(event.removeprefix("Order").lower(), cause or by_saga("do", Step("confirmation")))


def told(last: str, *happenings: Happening) -> FactsOfOrder:
    """Return the facts of an order with this last event of its saga, and these other events."""
    return FactsOfOrder(ORDER, WANTED, WANTED, SagaEnd(last, 0, 7, unended=False), happened=dict(happenings))


def confirmed(*others: Happening) -> FactsOfOrder:
    return told("SagaCompleted", paid(), reserved(), moved("OrderConfirmed"), *others)


def shipped(*others: Happening) -> FactsOfOrder:
    return confirmed(moved("OrderShipped"), *others)


def undone(*others: Happening) -> FactsOfOrder:
    return told("SagaFailed", moved("OrderCancelled"), *others)


def without(whole: FactsOfOrder, kind: str) -> FactsOfOrder:
    """Return the facts without events of this type."""
    return replace(whole, happened={key: happened for key, happened in whole.happened.items() if key[0] != kind})


def wrong(found: FactsOfOrder, *held: str) -> list[str]:
    """Return the faults of an order that its saga has settled."""
    assert course(found) is Course.SETTLED
    assert found.saga is not None
    return list(faults(found, found.saga.last, lambda product: product in held))


@pytest.mark.parametrize(
    "right",
    [
        confirmed(),
        shipped(left()),
        shipped(left(by_saga("do", Step("shipment", PRODUCT)))),
        replace(shipped(left(), refunded(), paid_again()), attempts=2, left=True),
        undone(),
        undone(paid(), refunded()),
        undone(paid(), refunded(), reserved(), released()),
        replace(undone(reserved(), released(attempt=2)), attempts=2),
    ],
)
def test_of_an_order_that_ended_as_its_money_and_stock_did_nothing_is_said(right: FactsOfOrder) -> None:
    assert wrong(right) == []


@pytest.mark.control
@pytest.mark.parametrize(
    ("damaged", "fault"),
    [
        (without(confirmed(), "PaymentProcessed"), "it is CONFIRMED: what is paid must be {'c-1': '10 EUR'}, and is nothing"),
        (confirmed(refunded()), "it is CONFIRMED: what is paid must be {'c-1': '10 EUR'}, and is nothing"),
        (confirmed(paid(amount=9)), "it is CONFIRMED: what is paid must be {'c-1': '10 EUR'}, and is {'c-1': '9 EUR'}"),
        (confirmed(paid(customer="c-2")), "it is CONFIRMED: what is paid must be {'c-1': '10 EUR'}, and is {'c-1': '10 EUR', 'c-2': '10 EUR'}"),
        (without(confirmed(), "InventoryReserved"), "it is CONFIRMED: its stock must be {'p-1': '2 RESERVED'}, and is nothing"),
        (confirmed(reserved(1)), "it is CONFIRMED: its stock must be {'p-1': '2 RESERVED'}, and is {'p-1': '1 RESERVED'}"),
        (confirmed(released()), "it is CONFIRMED: its stock must be {'p-1': '2 RESERVED'}, and is nothing"),
        (shipped(), "it is SHIPPED: its stock must be {'p-1': '2 SHIPPED'}, and is {'p-1': '2 RESERVED'}"),
        (replace(shipped(left(), refunded()), left=True), "it is SHIPPED: what is paid must be {'c-1': '10 EUR'}, and is nothing"),
        (undone(paid()), "it is CANCELLED: what is paid must be nothing, and is {'c-1': '10 EUR'}"),
        (undone(reserved()), "it is CANCELLED: its stock must be nothing, and is {'p-1': '2 RESERVED'}"),
        (told("SagaFailed"), "its saga ended with SagaFailed, and it is PLACED"),
        (told("SagaCompleted", paid(), reserved(), moved("OrderConfirmed"), moved("OrderCancelled")), "its saga ended with SagaCompleted, and it is CANCELLED"),
        (replace(undone(), placed=None), f"its saga began for {WANTED}, and it is None"),
        (replace(undone(), started=replace(WANTED, total=11)), f"its saga began for {replace(WANTED, total=11)}, and it is {WANTED}"),
    ],
)
def test_an_order_that_did_not_is_found(damaged: FactsOfOrder, fault: str) -> None:
    assert fault in wrong(damaged)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (replace(confirmed(), saga=None), Course.UNFOLLOWED),
        (replace(confirmed(), moving=True), Course.OPEN),
        (told("SagaStepCompleted", paid()), Course.OPEN),
        (told("SagaNeedsIntervention", paid()), Course.INTERVENTION),
        (replace(without(confirmed(), "PaymentProcessed"), by_operator=True), Course.BY_HAND),
        (told("SagaCompleted", paid(BY_HAND), reserved(), moved("OrderConfirmed")), Course.BY_HAND),
        (confirmed(refunded(BY_HAND)), Course.BY_HAND),
        (confirmed(left(BY_HAND)), Course.BY_HAND),
        (undone(paid(BY_HAND, customer="c-2")), Course.BY_HAND),
    ],
)
def test_what_cannot_be_judged_is_not(found: FactsOfOrder, what: Course) -> None:
    assert course(found) is what


def test_stock_that_may_still_leave_or_never_was_there_to_leave_is_no_fault() -> None:
    by_hand = told("SagaCompleted", paid(), reserved(), moved("OrderConfirmed", BY_HAND), moved("OrderShipped"))

    assert wrong(shipped(), PRODUCT) == []
    assert wrong(by_hand) == []
    assert wrong(replace(by_hand, left=True)) == ["it is SHIPPED: its stock must be {'p-1': '2 SHIPPED'}, and is {'p-1': '2 RESERVED'}"]
