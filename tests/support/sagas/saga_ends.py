"""Expected end of each case: the saga, its order, and what was paid, reserved and returned, each exactly once."""

from app.client.results import Json
from tests.support.sagas.saga_cases import PAYMENT, Case

ORDER_ENDS = {"SagaCompleted": "OrderConfirmed", "SagaFailed": "OrderCancelled", "SagaNeedsIntervention": "OrderCancelled"}


def saga_end(case: Case) -> str:
    """Return the type of the saga's last event.

    Stock that was shipped by hand cannot be released. A payment refunded by hand needs no refund. Compensation ships nothing.
    """
    match case.fault, case.step.way:
        case ("timed out" | "never heard", "undo"):
            return "SagaNeedsIntervention"
        case ("refused", "undo"):
            return "SagaNeedsIntervention" if case.step.name == "reservation" else "SagaFailed"
        case ("refused" | "in another currency" | "timed out" | "never heard", "do"):
            return "SagaFailed"
        case (_, "do"):
            return "SagaCompleted"
        case _:
            return "SagaFailed"


def order_end(case: Case) -> str:
    """Return the type of the order's last event."""
    return ORDER_ENDS[saga_end(case)]


def moves(case: Case) -> list[str]:
    """Return the expected events of customers and products that name the order, with their aggregates, in alphabetical order."""
    done = _done(case)
    undone = [] if saga_end(case) == "SagaCompleted" else [_undone(case, each) for each in done]
    return sorted([*done, *undone])


def moved(events: list[Json], case: Case) -> list[str]:
    """Return the events of customers and products that name the order, as the log has them, in the same form as `moves`."""
    return sorted(f"{event['eventType']} {event['aggregateId']}" for event in events if event["payload"].get("orderId") == case.order_id)


def _done(case: Case) -> list[str]:
    paid, reserved = f"PaymentProcessed {case.customer_id}", [f"InventoryReserved {name}" for name in case.products.values()]
    asked = [paid] if case.step == PAYMENT and saga_end(case) != "SagaCompleted" else [paid, *reserved]
    refused = case.step.way == "do" and case.fault in {"refused", "in another currency", "timed out"}
    return [each for each in asked if not (refused and each.endswith(f" {case.partner}"))]


def _undone(case: Case, done: str) -> str:
    kind, whose = done.split()
    if kind == "PaymentProcessed":
        return f"PaymentRefunded {whose}"
    return f"InventoryShipped {whose}" if _shipped_by_hand(case) and whose == case.partner else f"InventoryReleased {whose}"


def _shipped_by_hand(case: Case) -> bool:
    return case.fault == "refused" and case.step.command_type == "ReleaseInventory"
