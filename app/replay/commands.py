"""Commands for a purchases file, with ids derived from the file's digest and the line, and the totals of their events in the log."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord

from app.client.results import Json
from app.replay.purchases import MOST_CDS, Purchase, Totals, prices, spent

CURRENCY = "USD"

ENDS = {"SagaCompleted": "completed", "SagaFailed": "failed", "SagaNeedsIntervention": "waiting for an operator"}
"""Last events of sagas that have ended, with the words for their outcomes."""


class PurchaseReplay:
    """Commands of one file. A file has the same ids wherever it is and however often it is replayed."""

    def __init__(self, digest: str, purchased: Iterable[Purchase]) -> None:
        """`digest` is the hexadecimal SHA-256 of the file."""
        self.purchases = sorted(purchased, key=lambda each: (each.day, each.line))
        self._prefix = f"cdnow-{digest[:16]}"
        self._product = f"{self._prefix}-cd"
        self._now = datetime.now(UTC).isoformat(timespec="milliseconds")

    def registrations(self) -> Iterator[Json]:
        """Yield commands that register the product, with stock for all orders, and the customers, with credit for all their orders."""
        name = {"name": "A CD at CDNOW", "price": 0, "currency": CURRENCY}
        yield self._command("Product", self._product, "RegisterProduct", name)
        for number, quantity in enumerate(_deliveries(sum(each.cds for each in self.purchases)), 1):
            yield self._command("Product", self._product, "ReceiveStock", {"quantity": quantity}, f"-{number}")
        for customer, cents in spent(self.purchases).items():
            yield self._command("Customer", self._customer(customer), "RegisterCustomer", _registration(customer, cents))

    def order(self, purchase: Purchase) -> Json:
        """Return the command that places the order of a purchase."""
        return self._command("Order", f"{self._prefix}-{purchase.line}", "PlaceOrder", self._placed(purchase))

    def owns(self, record: ConsumerRecord) -> bool:
        """Return True for an event of one of this file's orders."""
        return bool(record.key.startswith(f"{self._prefix}-".encode()))

    def _placed(self, purchase: Purchase) -> dict[str, Any]:
        items = [{"productId": self._product, "quantity": quantity, "price": price} for quantity, price in prices(purchase.cds, purchase.cents)]
        address = f"CDNOW customer {purchase.customer}, {purchase.day}"
        return {"customerId": self._customer(purchase.customer), "items": items, "shippingAddress": address, "currency": CURRENCY}

    def _customer(self, customer: str) -> str:
        return f"{self._prefix}-customer-{customer}"

    def _command(self, kind: str, identity: str, command: str, payload: dict[str, Any], suffix: str = "") -> Json:
        named = {"commandId": f"{command}{suffix}", "commandType": command, "aggregateId": identity, "aggregateType": kind}
        return {**named, "timestamp": self._now, "metadata": {"correlationId": identity}, "payload": payload}


class LoggedTotals:
    """Totals of the placed orders, added up event by event."""

    def __init__(self) -> None:
        self._orders = self._cds = self._cents = 0
        self._customers: set[str] = set()

    def add(self, event: Json) -> None:
        """Count an event of the order log."""
        if event["eventType"] == "OrderPlaced":
            placed = event["payload"]
            self._orders += 1
            self._customers.add(placed["customerId"])
            self._cds += sum(item["quantity"] for item in placed["items"])
            self._cents += placed["totalAmount"]

    def totals(self) -> Totals:
        """Return the totals so far."""
        return Totals(self._orders, len(self._customers), self._cds, self._cents)


class SagaOutcomes:
    """States of sagas, updated event by event. The last event of a saga says whether it has ended."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def add(self, event: Json) -> None:
        """Take in the next event of a saga."""
        self._last[event["aggregateId"]] = event["eventType"]

    def counts(self) -> Counter[str]:
        """Return the number of ended sagas by outcome."""
        return Counter(ENDS[last] for last in self._last.values() if last in ENDS)


def _deliveries(quantity: int) -> Iterator[int]:
    """Split the quantity into as few deliveries as MOST_CDS allows."""
    full, rest = divmod(quantity, MOST_CDS)
    yield from [MOST_CDS] * full
    if rest:
        yield rest


def _registration(customer: str, cents: int) -> dict[str, Any]:
    return {"name": f"CDNOW customer {customer}", "email": f"{customer}@cdnow.example", "creditLimit": cents, "currency": CURRENCY}
