"""What a saga can be: its steps one way, or their undoing the other way; and the rest of the one way where the order has left."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from schemas.saga import StepName


class StepState(StrEnum):
    """Where a step, or its undoing, is."""

    PENDING = "PENDING"
    ASKED = "ASKED"
    PAUSED = "PAUSED"
    """It failed, and will be asked for again."""
    DONE = "DONE"
    FAILED = "FAILED"
    NONE = "NONE"
    """On the way back: it was never done, so there is nothing to undo."""


OPEN = (StepState.ASKED, StepState.PAUSED)
"""It may still be answered."""


class Step(Struct, frozen=True, omit_defaults=True):
    """One command to a partner, or the one that undoes it."""

    name: StepName
    product_id: str | None = None
    quantity: int = 0
    state: StepState = StepState.PENDING
    attempt: int = 1
    resent: int = 0
    granted: int = 0
    """So many of these times an operator wanted it: they do not count among those that the saga has by itself."""
    until_ms: int = 0
    """An open step is looked at then."""
    in_doubt: bool = False
    """It failed, and may have been done all the same."""

    @property
    def is_open(self) -> bool:
        """True while an answer counts."""
        return self.state in OPEN

    @property
    def to_undo(self) -> bool:
        """True if it was done, or may have been."""
        return self.is_open or self.state is StepState.DONE or self.in_doubt

    def __str__(self) -> str:
        """As people read it."""
        return self.name if self.product_id is None else f"{self.name}/{self.product_id}"


Steps = tuple[Step, ...]
"""In the order in which they are asked for; those of one name together."""


class Timeouts(Struct, frozen=True, array_like=True):
    """How long the saga waits, as the settings were when it began."""

    step_ms: int
    backoff_ms: int
    retries: int


class Facts(Struct, frozen=True):
    """What is known of the order."""

    definition: int
    correlation_id: str
    customer_id: str
    amount: int
    currency: str
    waits: Timeouts


class Unstarted(Struct, frozen=True, tag="UNSTARTED"):
    """There is no saga."""


class Running(Struct, frozen=True, tag="RUNNING"):
    """On its way to a confirmed order."""

    facts: Facts
    steps: Steps
    deadline_ms: int


class Finishing(Struct, frozen=True, tag="FINISHING"):
    """Its order has left before everything was done: what is open is done, and nothing is undone any more."""

    facts: Facts
    steps: Steps


class Completed(Struct, frozen=True, tag="COMPLETED"):
    """The order is confirmed; until it is shipped, that may be undone."""

    facts: Facts
    steps: Steps


class Compensating(Struct, frozen=True, tag="COMPENSATING"):
    """On its way back; the steps are those to be undone, the last one first."""

    facts: Facts
    steps: Steps
    reason: str


class NeedsIntervention(Struct, frozen=True, tag="NEEDS_INTERVENTION"):
    """What failed of these steps has to be undone by an operator; or to be done, if the order has left."""

    facts: Facts
    steps: Steps
    reason: str
    shipped: bool = False


class Failed(Struct, frozen=True, tag="FAILED"):
    """Everything is undone."""

    reason: str


Moving = Running | Finishing | Compensating
"""Not ended."""

Saga = Unstarted | Running | Finishing | Completed | Compensating | NeedsIntervention | Failed


def status(saga: Saga) -> str:
    """The saga's status, as on the wire."""
    match saga:
        case Running() | Finishing():
            return _progress(saga.steps)
        case Unstarted() | Completed() | Compensating() | NeedsIntervention() | Failed():
            return str(saga.__struct_config__.tag)
        case never:
            assert_never(never)


def goes_back(saga: Saga | None) -> bool:
    """True if what was done for the order is being undone, or was."""
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
    """By the first step that is not done."""
    return next((_PROGRESS[step.name] for step in steps if step.state is not StepState.DONE), "INVENTORY_RESERVED")
