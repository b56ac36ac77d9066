"""Totals of `foldstream verify`: orders, money and stock of all partitions."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.domain.product import Registered as Product
from app.eventsourcing.decide import WINDOW
from app.verify.orders.facts import FactsOfOrder
from app.verify.orders.settlement import STANDING, Course, moved, status
from app.verify.write_side.refold import Root


class Totals:
    """Totals over all partitions of one run."""

    def __init__(self) -> None:
        self._courses: Counter[Course] = Counter()
        self._paid: Counter[str] = Counter()
        self._refunded: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        """Minor units by currency, of orders that their sagas completed or compensated."""
        self._rows: Counter[str] = Counter()
        self._unserved: dict[str, list[int]] = {}
        self._again = 0
        self._unjudged: Counter[str] = Counter()
        self._received = self._available = self._reserved = self._shipped = 0

    def again(self) -> None:
        """Count a command that ran again, because its id was repeated after the dedup window had forgotten it."""
        self._again += 1

    def unjudged(self, what: str, aggregates: int) -> None:
        """Count aggregates of this type, or their rows in this read model, that could not be checked."""
        self._unjudged[what] += aggregates

    def order(self, told: FactsOfOrder, course: Course) -> None:
        """Count an order by its course. Add its money if its saga settled it."""
        self._courses[course] += 1
        if course is Course.SETTLED and told.placed is not None:
            self._paid.update({told.placed.currency: sum(paid.amount for _, paid in moved(told, "PaymentProcessed"))})
            self._refunded.update({told.placed.currency: sum(back.amount for _, back in moved(told, "PaymentRefunded"))})
            self._totals.update({told.placed.currency: told.placed.total if status(told) in STANDING else 0})

    def product(self, root: Root[Any]) -> None:
        """Add the stock of a product after its last event."""
        product = root.state
        if isinstance(product, Product):
            self._received += root.moved.get("StockReceived", 0)
            self._available += product.on_hand - product.reserved
            self._reserved += product.reserved
            self._shipped += product.shipped

    def view(self, name: str, rows: int) -> None:
        """Count the compared rows of a read model in one partition."""
        self._rows[name] += rows

    def unserved(self, partition: int, why: str) -> None:
        """Count a partition whose read models no worker served."""
        self._unserved.setdefault(why, []).append(partition)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the totals."""
        for currency in sorted(self._paid):
            paid, refunded, totals = self._paid[currency], self._refunded[currency], self._totals[currency]
            left = f"{paid:,} paid - {refunded:,} refunded = {paid - refunded:,} {currency}"
            yield f"money: {left}; the orders CONFIRMED or SHIPPED come to {totals:,} {currency}"
        yield f"stock: {self._received:,} received = {self._available:,} available + {self._reserved:,} reserved + {self._shipped:,} shipped"
        told = [f"{count:,} {course}" for course in Course if (count := self._courses[course])]
        yield f"orders: {', '.join(told) or 'none'}"
        if self._again:
            yield f"commands: {self._again:,} done again, for their ids were repeated after {WINDOW} others"
        if unjudged := ", ".join(f"{count:,} of {what}" for what, count in self._unjudged.items() if count):
            yield f"unjudged: {unjudged}, of which events are parked or cannot be read"
        if self._rows:
            yield f"views: {', '.join(f'{count:,} of {name}' for name, count in self._rows.items())} compared"
        for why, partitions in self._unserved.items():
            where = f" in partition {', '.join(map(str, partitions))}" if self._rows or len(self._unserved) > 1 else ""
            yield f"views: unchecked{where} ({why})"
