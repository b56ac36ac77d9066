"""Commands and events of the Order (contract, section 3)."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelopes import Command, Event, Message
from schemas.fields import MOST_MONEY, Currency, Id, Money, NotNull, PersonalText, Quantity, RecordedCurrency, Text, Timestamp, Total

Lines = Field(min_length=1, max_length=1_000, strict=False)
"""Bounds of an order's number of lines. Not strict, because JSON arrays are decoded as lists and kept as tuples."""


class OrderItem(Message):
    """Line of an order. Two lines of one product are allowed."""

    product_id: Id
    quantity: Quantity
    price: Money


class PlaceOrder(Command):
    """Command to order these lines. The total is computed, never taken from the client."""

    customer_id: Id
    items: Annotated[tuple[OrderItem, ...], Lines]
    shipping_address: PersonalText
    currency: Currency
    shipping_method: Text = "STANDARD"

    @property
    def total_amount(self) -> int:
        """Sum of all lines, in minor units of the currency."""
        total = 0
        for item in self.items:
            total += item.quantity * item.price
        return total

    @model_validator(mode="after")
    def _can_be_paid(self) -> Self:
        if self.total_amount > MOST_MONEY:
            raise PydanticCustomError("total_amount", "the items come to more than {most}, which is all that can be paid for one order", {"most": MOST_MONEY})
        return self


class ConfirmOrder(Command):
    """Command to confirm an order: everything is paid and reserved."""


class ShipOrder(Command):
    """Command to ship the order."""

    tracking_number: Annotated[Text | None, NotNull] = None


class CancelOrder(Command):
    """Command to cancel the order."""

    reason: Text


class OrderPlaced(Event):
    """Event: the order was placed. Schema version 2; version 1 had neither currency nor shipping method."""

    customer_id: Id
    items: Annotated[tuple[OrderItem, ...], Lines]
    total_amount: Total
    currency: RecordedCurrency
    shipping_address: PersonalText
    shipping_method: Text


class OrderConfirmed(Event):
    """Event: the order was confirmed. `confirmed_at` is the broker's time of the command."""

    confirmed_at: Timestamp


class OrderShipped(Event):
    """Event: the order was shipped."""

    tracking_number: Text | None = None


class OrderCancelled(Event):
    """Event: the order was cancelled."""

    reason: Text


OrderCommand = PlaceOrder | ConfirmOrder | ShipOrder | CancelOrder
OrderEvent = OrderPlaced | OrderConfirmed | OrderShipped | OrderCancelled
