"""Generated table of cases: every step of a saga, forward and in compensation, with every fault. Each case has an order of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from app.client.results import Json
from app.eventsourcing.ids import command_id
from tests.support.workers.shop import command, customer, located, order, product

PARTITIONS = 6
FREE = 0
"""Partition in which nothing is held back."""

Fault = Literal[
    "refused", "in another currency", "repeated", "held up", "heard late", "asked twice", "timed out", "never heard", "killed before", "killed after"
]


class Step(NamedTuple):
    """Command that a saga sends to a participant; `product` says which of the two products."""

    way: Literal["do", "undo"]
    name: str
    kind: str
    command_type: str
    product: str = ""


PAYMENT = Step("do", "payment", "Customer", "ProcessPayment")
CONFIRMATION = Step("do", "confirmation", "Order", "ConfirmOrder")
STEPS = [
    PAYMENT,
    *(Step("do", "reservation", "Product", "ReserveInventory", product) for product in ("first", "second")),
    CONFIRMATION,
    *(Step("undo", "reservation", "Product", "ReleaseInventory", product) for product in ("first", "second")),
    Step("undo", "payment", "Customer", "RefundPayment"),
    Step("undo", "order", "Order", "CancelOrder"),
]


@dataclass(frozen=True)
class Case:
    """One step and its fault. The step's command arrives in a partition that can be held back, its answer in another one."""

    step: Step
    fault: Fault
    partition: int
    home: int = FREE
    """Partition in which the saga receives answers, unless the step is a command to its order."""

    def __str__(self) -> str:
        """Return the case's id for pytest."""
        return "-".join([*self.fault.split(), *filter(None, (self.step.way, self.step.name, self.step.product))])

    @cached_property
    def order_id(self) -> str:
        """Id of the order and of its saga."""
        return self._located("o", self.partition if self.step.kind == "Order" else self.home)

    @cached_property
    def customer_id(self) -> str:
        """Id of the customer who pays."""
        return self._located("c", self.partition if self.step.kind == "Customer" or self.step == CONFIRMATION else FREE)

    @cached_property
    def products(self) -> dict[str, str]:
        """Ids of the products ordered, one piece of each."""
        return {which: self._located(which, self.partition if self.step.product == which else FREE) for which in ("first", "second")}

    @property
    def partner(self) -> str:
        """Id of the aggregate to which the step sends its command."""
        return self.products.get(self.step.product) or {"Customer": self.customer_id, "Order": self.order_id}[self.step.kind]

    @property
    def named(self) -> dict[str, str]:
        """Step as named in the payload of a saga's event, or of an operator's command."""
        return {"step": self.step.name} | ({"productId": self.partner} if self.step.product else {})

    @property
    def command_id(self) -> str:
        """Id of the first command that the saga sends for this step."""
        return command_id(self.order_id, self.step.way, "/".join(self.named.values()), "1")

    @property
    def asked(self) -> set[str]:
        """Events of the saga, in the form of `Events.kinds`, that precede the step's command."""
        reservations = {f"reservation {name}" for name in self.products.values()}
        told = {
            "ProcessPayment": {"StepCompleted order"},
            "ReserveInventory": {"StepCompleted payment"},
            "ConfirmOrder": {f"StepCompleted {each}" for each in reservations},
            "ReleaseInventory": {"CompensationStarted"},
            "RefundPayment": {f"StepCompensated {each}" for each in reservations},
            "CancelOrder": {"StepCompensated payment"},
        }
        return told[self.step.command_type]

    def begin(self) -> list[Json]:
        """Return the commands that register everything and fill the stock."""
        registered = customer(self.customer_id)
        if self.fault == "in another currency":
            registered["payload"]["currency"] = "USD"
        return [registered, *(each for name in self.products.values() for each in product(name))]

    def place(self) -> Json:
        """Return the command that places the order."""
        return order(self.order_id, *self.products.values(), customer=self.customer_id)

    def before(self) -> list[Json]:
        """Return commands sent by hand before the step's command arrives, so that this one is refused."""
        by_hand: dict[str, tuple[str, Json]] = {
            "ProcessPayment": ("ChangeCreditLimit", {"creditLimit": 0}),
            "ReserveInventory": ("ReserveInventory", {"orderId": "another", "quantity": 10}),
            "ConfirmOrder": ("CancelOrder", {"reason": "changed my mind"}),
            "ReleaseInventory": ("ShipInventory", {"orderId": self.order_id}),
            "RefundPayment": ("RefundPayment", {"orderId": self.order_id}),
            "CancelOrder": ("CancelOrder", {"reason": "changed my mind"}),
        }
        command_type, payload = by_hand[self.step.command_type]
        return [command(self.step.kind, self.partner, command_type, **payload)] if self.fault == "refused" else []

    @property
    def is_refused(self) -> bool:
        """True if the step's command is refused."""
        return self.fault in {"refused", "in another currency"}

    @property
    def refusal(self) -> str:
        """Code with which the step's command is refused."""
        codes = {"ProcessPayment": "insufficient-credit", "ReserveInventory": "insufficient-stock"}
        return "currency-mismatch" if self.fault == "in another currency" else codes.get(self.step.command_type, "illegal-transition")

    def _located(self, what: str, partition: int) -> str:
        return located(f"{what}-{self}", [partition], PARTITIONS)


def each_with(fault: Fault, partition: int) -> Iterator[Case]:
    """Return the cases of all steps with one fault."""
    return (Case(step, fault, partition) for step in STEPS)


def each_heard(fault: Fault, partition: int, home: int = FREE) -> Iterator[Case]:
    """Return the cases of all steps whose answers can be late or lost after the step was done. A saga reads events of its own order directly."""
    return (Case(step, fault, partition, home) for step in STEPS if step.kind != "Order")
