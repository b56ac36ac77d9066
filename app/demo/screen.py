"""Screen of the demo: bars that grow with the orders, and the tables of the summary."""

from collections.abc import Iterable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.demo.checks import Check
from app.demo.evidence import Evidence
from app.demo.orders import Kind
from app.demo.traffic import STEPS

HEADINGS = {
    "OrderPlaced": "placed",
    "PaymentProcessed": "paid",
    "InventoryReserved": "reserved",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderCancelled": "cancelled",
    "InventoryReleased": "released",
    "PaymentRefunded": "refunded",
}
"""Column headings by event type: everything that can happen to an order."""


class Bars:
    """Progress bars, one for each step, with all orders as the total: `with Bars(console, orders) as bars`."""

    def __init__(self, console: Console, orders: int) -> None:
        self._progress = Progress(TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
        self._shown = {step: self._progress.add_task(step, total=orders) for step in STEPS}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def counted(self, step: str) -> None:
        """Count an order that has reached this step."""
        if step in self._shown:
            self._progress.advance(self._shown[step])


def summary(found: Evidence, checks: Iterable[Check]) -> Iterable[Table]:
    """Return the tables of the summary: events in the log by type, events by kind of order, and each check with its result."""
    events = Table("event", "this run", "whole log", title="the log of record")
    for kind, count in sorted(found.events.items()):
        events.add_row(kind, f"{found.run_events[kind]:,}", f"{count:,}")
    orders = Table("order", *HEADINGS.values(), title="what happened to each kind of order")
    for kind in Kind:
        orders.add_row(kind, *(f"{found.of_kind[kind, event]:,}" for event in HEADINGS))
    judged = Table("", "checked against the log", "found", title="the checks")
    for check in checks:
        judged.add_row("[green]held[/]" if check.held else "[red]BROKEN[/]", check.statement, check.found)
    return events, orders, judged
