"""States of the saga: forward steps, their compensation, or the remaining forward steps of an order that has been shipped."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from schemas.saga import StepName


class StepState(StrEnum):
    """State of a step, or of its compensation."""

    PENDING = "PENDING"
    ASKED = "ASKED"
    PAUSED = "PAUSED"
    """The step failed, and the saga will retry it."""
    DONE = "DONE"
    FAILED = "FAILED"
    NONE = "NONE"
    """During compensation: the step was never done, so there is nothing to compensate."""


OPEN = (StepState.ASKED, StepState.PAUSED)
"""States of a step that may still be answered."""


class Step(Struct, frozen=True, omit_defaults=True):
    """Step of the saga: one command to a participant, or the command that compensates it."""

    name: StepName
    product_id: str | None = None
    quantity: int = 0
    state: StepState = StepState.PENDING
    attempt: int = 1
    resent: int = 0
    granted: int = 0
    """Number of repetitions (`resent`) that an operator requested. They do not count against the saga's own retries."""
    until_ms: int = 0
    """Time at which the saga looks at an open step (milliseconds since 1970)."""
    in_doubt: bool = False
    """True if the step failed, but may have been done all the same."""

    @property
    def is_open(self) -> bool:
        """True while the step may still be answered."""
        return self.state in OPEN

    @property
    def to_undo(self) -> bool:
        """True if the step was or may have been done, so that compensation must undo it."""
        return self.is_open or self.state is StepState.DONE or self.in_doubt

    def __str__(self) -> str:
        """Return the step's name, with the product's id where there is one."""
        return self.name if self.product_id is None else f"{self.name}/{self.product_id}"


Steps = tuple[Step, ...]
"""Steps in the order in which the saga requests them. Steps of one name are adjacent."""


class Timeouts(Struct, frozen=True, array_like=True):
    """Timeouts and retries of the saga, from the settings when it began."""

    step_ms: int
    backoff_ms: int
    retries: int


class Facts(Struct, frozen=True):
    """Facts about the order that the saga needs."""

    definition: int
    correlation_id: str
    customer_id: str
    amount: int
    currency: str
    waits: Timeouts


class Unstarted(Struct, frozen=True, tag="UNSTARTED"):
    """Saga that does not exist yet."""


class Running(Struct, frozen=True, tag="RUNNING"):
    """Saga on its way to a confirmed order."""

    facts: Facts
    steps: Steps
    deadline_ms: int


class Finishing(Struct, frozen=True, tag="FINISHING"):
    """Saga of an order that was shipped before all steps were done. It completes the open steps and no longer compensates anything."""

    facts: Facts
    steps: Steps


class Completed(Struct, frozen=True, tag="COMPLETED"):
    """Saga whose order is confirmed. Until the order is shipped, it may still be compensated."""

    facts: Facts
    steps: Steps


class Compensating(Struct, frozen=True, tag="COMPENSATING"):
    """Saga in compensation. `steps` are the steps to compensate, the last one first."""

    facts: Facts
    steps: Steps
    reason: str


class NeedsIntervention(Struct, frozen=True, tag="NEEDS_INTERVENTION"):
    """Saga that needs an operator: to compensate the failed steps, or to complete them if the order was shipped."""

    facts: Facts
    steps: Steps
    reason: str
    shipped: bool = False


class Failed(Struct, frozen=True, tag="FAILED"):
    """Saga that has compensated everything."""

    reason: str


Moving = Running | Finishing | Compensating
"""Saga that has begun and not ended."""

Saga = Unstarted | Running | Finishing | Completed | Compensating | NeedsIntervention | Failed


def status(saga: Saga) -> str:
    """Return the saga's status, as on the wire."""
    match saga:
        case Running() | Finishing():
            return _progress(saga.steps)
        case Unstarted() | Completed() | Compensating() | NeedsIntervention() | Failed():
            return str(saga.__struct_config__.tag)
        case never:
            assert_never(never)


def goes_back(saga: Saga | None) -> bool:
    """Return True if the saga compensates, or has compensated, what was done for the order."""
    match saga:
        case Compensating() | Failed():
            return True
        case NeedsIntervention():
            return not saga.shipped
        case _:
            return False


_PROGRESS: dict[StepName, str] = {
    "order": "STARTED",
    "payment": "ORDER_CREATED",
    "reservation": "PAYMENT_PROCESSED",
    "confirmation": "INVENTORY_RESERVED",
    "shipment": "INVENTORY_RESERVED",
}


def _progress(steps: Steps) -> str:
    """Return the status that follows from the first step that is not done."""
    return next((_PROGRESS[step.name] for step in steps if step.state is not StepState.DONE), "INVENTORY_RESERVED")
