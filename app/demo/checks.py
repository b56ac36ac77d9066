"""Checks after a run of the demo, each reported in one line with its result."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from app.client.results import Json
from app.demo.evidence import Evidence
from app.demo.orders import KINDS, POOR, SCARCE, Kind, Shop

_FULFILLED = ("OrderPlaced", "PaymentProcessed", "InventoryReserved", "OrderConfirmed")

HAPPENS: Mapping[Kind, Sequence[str]] = {
    Kind.FULFILLED: _FULFILLED,
    Kind.SHIPPED: (*_FULFILLED, "OrderShipped", "InventoryShipped"),
    Kind.CANCELLED: (*_FULFILLED, "OrderCancelled", "InventoryReleased", "PaymentRefunded"),
    Kind.OUT_OF_STOCK: ("OrderPlaced", "PaymentProcessed", "OrderCancelled", "PaymentRefunded"),
    Kind.OVER_LIMIT: ("OrderPlaced", "OrderCancelled"),
}
"""Events of an order, by its kind; each order is for one product."""


class Check(NamedTuple):
    """Statement that was checked, whether it held, and the figures behind the result."""

    statement: str
    held: bool
    found: str


class Run(NamedTuple):
    """Run of the demo. `sent` counts its commands by id; `old_order` is the result for the order of the first schema, if that was placed."""

    shop: Shop
    orders: int
    sent: dict[str, int]
    repeated: str
    poisoned: str
    old_order: Json | None


def checks(run: Run, found: Evidence) -> Iterator[Check]:
    """Yield every check of the run against the log."""
    yield Check("versions count 1, 2, 3 ... in every aggregate", not found.broken, "; ".join(found.broken[:3]) or f"{found.aggregates:,} aggregates")
    yield _unique(found)
    yield _orders(run, found)
    yield _answered(run, found)
    yield Check("the repeated command was answered as a duplicate", found.duplicates[run.repeated] == 1, f"{found.duplicates[run.repeated]} duplicate result")
    yield _refused("the order that was out of stock", found, ("ReserveInventory", run.shop.named(SCARCE)), "insufficient-stock")
    yield _refused("the order over the credit limit", found, ("ProcessPayment", run.shop.named(POOR)), "insufficient-credit")
    yield _parked(run, found)
    if run.old_order is not None:
        answer = f"{run.old_order['outcome']}, version {run.old_order['version']}"
        yield Check("the event of schema version 1 was folded", answer == "accepted, version 2", f"its order's confirmation: {answer}")


def _unique(found: Evidence) -> Check:
    repeated = found.event_ids.total() - len(found.event_ids)
    return Check("every event id is there once", repeated == 0, f"{found.event_ids.total():,} events, {repeated} repeated ids")


def _orders(run: Run, found: Evidence) -> Check:
    """Check that each order has the events of its kind, each once, and no others."""
    kinds = Counter(KINDS.get(number, Kind.FULFILLED) for number in range(1, run.orders + 1))
    wanted = Counter({(kind, event): count for kind, count in kinds.items() for event in HAPPENS[kind]})
    counts = f"{found.run_events['OrderConfirmed']:,} confirmed, {found.run_events['OrderCancelled']} cancelled"
    return Check("every order ended as it should", found.of_kind == wanted, counts)


def _answered(run: Run, found: Evidence) -> Check:
    wrong = [command for command in run.sent if found.first_results[command] != 1]
    strange = found.first_results.keys() - run.sent.keys()
    return Check("every command has exactly one first result", not wrong and not strange, f"{len(run.sent):,} commands, {len(wrong) + len(strange)} wrong")


def _refused(which: str, found: Evidence, command: tuple[str, str], code: str) -> Check:
    answer = found.refusals.get(command, "not refused")
    return Check(f"{which} was refused", answer == code, answer)


def _parked(run: Run, found: Evidence) -> Check:
    """Check that only the poison record was parked. Read models park events that they cannot project, and show the rest as if nothing were missing."""
    poison = [(word.key, word.reason) for word in found.parked.values()] == [(run.poisoned.encode(), "undecodable")]
    told = "; ".join(f"{word.topic} [{word.partition}] {word.offset}: {word.reason}" for word in list(found.parked.values())[:3])
    return Check("nothing but the poison record was parked, and it held up nothing", poison, "undecodable" if poison else told or "nothing is parked")
