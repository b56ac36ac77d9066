"""Settlement check: compares an order's end with its money and stock, across partitions. docs/operations/verifying.md says which orders can be checked.

Once all sagas have ended, and if no operator has settled anything by hand: payments - refunds = totals of the orders CONFIRMED or SHIPPED.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from app.domain import shipping
from app.domain.order_fulfilment.commands import Way, asked_by
from app.domain.order_fulfilment.state import Step
from app.verify.orders.facts import FactsOfOrder, OrderEvent

STANDING = ("CONFIRMED", "SHIPPED")
"""Statuses in which an order is paid for."""

_STATUSES = {"OrderCancelled": "CANCELLED", "OrderShipped": "SHIPPED", "OrderConfirmed": "CONFIRMED"}
"""Status by the event that leads to it, the last one first."""

_DUE = {"SagaCompleted": STANDING, "SagaFailed": ("CANCELLED",)}

_WAYS: Mapping[str, Way] = {"PaymentProcessed": "do", "PaymentRefunded": "undo", "InventoryReserved": "do", "InventoryReleased": "undo"}
"""Direction of the saga (forward or compensation) by the event that moves money or stock for it."""


class Course(StrEnum):
    """Course of an order: how it was settled, if it was. Only orders that their sagas settled are checked."""

    SETTLED = "settled by their sagas"
    OPEN = "whose sagas are open"
    INTERVENTION = "that need an operator"
    BY_HAND = "settled by hand"
    UNFOLLOWED = "without a saga"


def course(told: FactsOfOrder) -> Course:
    """Return the course of an order."""
    if told.saga is None:
        return Course.UNFOLLOWED
    if told.moving or told.saga.last not in {*_DUE, "SagaNeedsIntervention"}:
        return Course.OPEN
    if told.saga.last == "SagaNeedsIntervention":
        return Course.INTERVENTION
    return Course.BY_HAND if told.by_operator or _by_hand(told) else Course.SETTLED


def status(told: FactsOfOrder) -> str:
    """Return the order's status by its last event."""
    return next((_STATUSES[kind] for kind in _STATUSES if (kind, "") in told.happened), "PLACED")


def faults(told: FactsOfOrder, last: str, held: Callable[[str], bool]) -> Iterator[str]:
    """Yield the faults of an order that its saga has settled. `last` is the type of the saga's last event.

    `held` says whether a product has pending commands: its reserved stock need not be shipped yet.
    """
    found, order = status(told), told.placed
    if order is None or order != told.started:
        yield f"its saga began for {told.started}, and it is {order}"
        return
    if found not in _DUE[last]:
        yield f"its saga ended with {last}, and it is {found}"
    standing = found in STANDING
    yield from _differing(f"it is {found}: what is paid", {order.customer_id: f"{order.total} {order.currency}"} if standing else {}, _paid(told))
    stock = dict(_reserved(told))
    due = {product: f"{pieces} {_due(told, product, stock, held)}" for product, pieces in order.pieces.items()} if standing else {}
    yield from _differing(f"it is {found}: its stock", due, stock)


def moved(told: FactsOfOrder, kind: str) -> Iterator[tuple[str, OrderEvent]]:
    """Yield the events of this type that moved money or stock for the order, each with the aggregate's id."""
    return ((about, happened) for (found, about), happened in told.happened.items() if found == kind)


def _paid(told: FactsOfOrder) -> dict[str, str]:
    return {about: f"{paid.amount} {paid.currency}" for about, paid in moved(told, "PaymentProcessed") if not _since(told, paid, "PaymentRefunded", about)}


def _reserved(told: FactsOfOrder) -> Iterator[tuple[str, str]]:
    for about, reserved in moved(told, "InventoryReserved"):
        if not _since(told, reserved, "InventoryReleased", about):
            yield about, f"{reserved.amount} {'SHIPPED' if _since(told, reserved, 'InventoryShipped', about) else 'RESERVED'}"


def _since(told: FactsOfOrder, taken: OrderEvent, kind: str, about: str) -> bool:
    """Return True if an event of this type ended the reservation or payment `taken`. One that was taken again later has not ended."""
    given_up = told.happened.get((kind, about))
    return given_up is not None and given_up.version > taken.version


def _due(told: FactsOfOrder, product_id: str, stock: Mapping[str, str], held: Callable[[str], bool]) -> str:
    """Return the state in which a product's stock must be.

    An order that was confirmed by hand may have been shipped before its stock was reserved. A saga of earlier code left that stock reserved.
    """
    if status(told) != "SHIPPED":
        return "RESERVED"
    waits = stock.get(product_id, "").endswith("RESERVED") and (held(product_id) or not (told.left or _is_sagas(told, "OrderConfirmed", "")))
    return "RESERVED" if waits else "SHIPPED"


def _differing(what: str, due: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    if due != found:
        yield f"{what} must be {dict(due) or 'nothing'}, and is {dict(found) or 'nothing'}"


def _by_hand(told: FactsOfOrder) -> bool:
    """Return True if a command of neither the saga nor the shipping policy moved money or stock for the order."""
    return not all(_is_sagas(told, kind, about) for kind, about in told.happened if kind in _WAYS or kind == "InventoryShipped")


def _is_sagas(told: FactsOfOrder, kind: str, about: str) -> bool:
    return told.happened[kind, about].cause in _causes(told, kind, about)


def _causes(told: FactsOfOrder, kind: str, about: str) -> Iterable[str]:
    """Return the ids of the commands by which the saga, or the shipping policy, causes such an event of this aggregate."""
    match kind:
        case "InventoryShipped":
            shipped = told.happened.get(("OrderShipped", ""))
            policy = () if shipped is None else (shipping.asked_by(shipped.event_id, about),)
            return (*policy, *asked_by(told.order_id, "do", Step("shipment", about), told.attempts))
        case "OrderConfirmed":
            return asked_by(told.order_id, "do", Step("confirmation"), told.attempts)
        case "InventoryReserved" | "InventoryReleased":
            return asked_by(told.order_id, _WAYS[kind], Step("reservation", about), told.attempts)
        case _:
            return asked_by(told.order_id, _WAYS[kind], Step("payment"), told.attempts)
