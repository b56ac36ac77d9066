"""The read model of sagas, step by step."""

from typing import Any

from app.domain.read_models.saga_status import SagaStatus, place, project
from app.eventsourcing.recorded_event import recorded
from schemas.envelopes import Event, Refusal
from schemas.saga import (
    Line,
    SagaCompensationStarted,
    SagaCompleted,
    SagaFailed,
    SagaNeedsIntervention,
    SagaOrderShipped,
    SagaStarted,
    SagaStepCompensated,
    SagaStepCompleted,
    SagaStepFailed,
    Timing,
)
from tests.support.handlers.world import envelope

UNTIL = "2026-11-24T07:00:00.000Z"
STARTED = SagaStarted(
    definition=1,
    correlation_id="k-1",
    customer_id="ada",
    amount=10,
    currency="EUR",
    lines=(Line(product_id="p", quantity=1), Line(product_id="q", quantity=2)),
    timing=Timing(step_timeout_ms=1_000, backoff_ms=100, retries=2),
    deadline_at=UNTIL,
)
PAID = (STARTED, SagaStepCompleted(step="order", wait_until=UNTIL), SagaStepCompleted(step="payment", wait_until=UNTIL))
SOLD_OUT = SagaStepFailed(step="reservation", product_id="q", outcome="refused", refusal=Refusal(code="insufficient-stock", message="0 are available"))
BACK = (*PAID, SagaStepCompleted(step="reservation", product_id="p"), SOLD_OUT, SagaCompensationStarted(reason="sold out", wait_until=UNTIL))

UNDOINGS = (SagaStepCompensated(step="reservation", product_id="p"), SagaStepCompensated(step="payment"), SagaStepCompensated(step="order"))
UNDONE = (*BACK, *UNDOINGS, SagaFailed(reason="sold out"))


def shown(*events: Event) -> SagaStatus:
    """Return the row of a saga after these events."""
    row: SagaStatus | None = None
    for version, event in enumerate(events, 1):
        row = project(row, recorded(envelope("Saga", "o-1", version, event)))
    assert row is not None
    return row


def states(row: SagaStatus) -> dict[str, Any]:
    """Return the states of its steps."""
    return {step.step if step.product_id is None else step.product_id: step.state for step in row.steps}


def test_a_saga_that_goes_on_shows_what_was_asked_for_and_done() -> None:
    row = shown(*PAID)

    assert (row.status, row.version, row.reason) == ("PAYMENT_PROCESSED", 3, None)
    assert states(row) == {"order": "DONE", "payment": "DONE", "p": "ASKED", "q": "ASKED", "confirmation": "PENDING"}
    assert place(row).startswith("PAYMENT_PROCESSED/")
    assert row.last_updated == "2026-11-24T06:03:00.000Z"


def test_a_saga_on_its_way_back_shows_what_is_undone_and_why() -> None:
    row = shown(*BACK, SagaStepCompensated(step="reservation", product_id="p", wait_until=UNTIL))

    assert (row.status, row.reason) == ("COMPENSATING", "sold out")
    assert states(row) == {"order": "TO_UNDO", "payment": "UNDOING", "p": "UNDONE", "q": "FAILED", "confirmation": "PENDING"}
    assert [step.reason for step in row.steps if step.product_id == "q"] == ["insufficient-stock: 0 are available"]


def test_a_saga_that_failed_has_undone_what_was_done() -> None:
    row = shown(*UNDONE)

    assert (row.status, row.reason) == ("FAILED", "sold out")
    assert states(row) == {"order": "UNDONE", "payment": "UNDONE", "p": "UNDONE", "q": "FAILED", "confirmation": "PENDING"}


def test_a_saga_that_needs_an_operator_shows_what_is_left() -> None:
    stuck = SagaStepFailed(step="reservation", product_id="p", outcome="parked")

    row = shown(*BACK, stuck, SagaNeedsIntervention(reason="sold out", steps=("reservation/p",)))

    assert (row.status, states(row)["p"]) == ("NEEDS_INTERVENTION", "NOT_UNDONE")


def test_a_saga_that_is_completed_keeps_its_steps() -> None:
    reserved = (SagaStepCompleted(step="reservation", product_id=product, wait_until=UNTIL) for product in ("p", "q"))

    row = shown(*PAID, *reserved, SagaStepCompleted(step="confirmation"), SagaCompleted())

    assert (row.status, set(states(row).values())) == ("COMPLETED", {"DONE"})
    assert place(row).startswith("COMPLETED/")


def test_what_is_reserved_for_an_order_that_has_left_is_shown_with_its_shipment() -> None:
    reserved = SagaStepCompleted(step="reservation", product_id="p", wait_until=UNTIL)
    row = shown(*PAID, SagaStepCompleted(step="confirmation"), SagaOrderShipped(), reserved, SOLD_OUT)

    assert [(step.step, step.product_id, step.state) for step in row.steps[2:]] == [
        ("reservation", "p", "DONE"),
        ("reservation", "q", "FAILED"),
        ("confirmation", None, "DONE"),
        ("shipment", "p", "ASKED"),
    ]
    assert row.status == "PAYMENT_PROCESSED"


def test_an_order_that_earlier_code_shipped_on_the_way_back_shows_what_is_to_be_done_again() -> None:
    row = shown(*BACK, *UNDOINGS[:2], SagaOrderShipped(), SagaNeedsIntervention(reason="it has left", steps=("payment",)))

    assert states(row) == {"order": "DONE", "payment": "FAILED", "p": "FAILED", "q": "FAILED", "confirmation": "DONE"}
