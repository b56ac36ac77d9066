"""The Order's commands and events (contract, section 3)."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.envelopes import Command, Event, Message
from schemas.fields import MOST_MONEY, Currency, Id, Money, NotNull, PersonalText, Quantity, RecordedCurrency, Text, Timestamp, Total

Lines = Field(min_length=1, max_length=1_000, strict=False)
"""How many lines an order has; not strict, for JSON's arrays come as lists and are kept as tuples."""


class OrderItem(Message):
    """A line of an order; two lines of one product are allowed."""

    product_id: Id
    quantity: Quantity
    price: Money


class PlaceOrder(Command):
    """Order these lines; the total is computed, never taken from the client."""

    customer_id: Id
    items: Annotated[tuple[OrderItem, ...], Lines]
    shipping_address: PersonalText
    currency: Currency
    shipping_method: Text = "STANDARD"

    @property
    def total_amount(self) -> int:
        """What all lines come to."""
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
    """All is paid and reserved."""


class ShipOrder(Command):
    """The parcel leaves."""

    tracking_number: Annotated[Text | None, NotNull] = None


class CancelOrder(Command):
    """Give the order up."""

    reason: Text


class OrderPlaced(Event):
    """Schema version 2; version 1 had neither currency nor shipping method."""

    customer_id: Id
    items: Annotated[tuple[OrderItem, ...], Lines]
    total_amount: Total
    currency: RecordedCurrency
    shipping_address: PersonalText
    shipping_method: Text


class OrderConfirmed(Event):
    """`confirmed_at` is the broker's time of the command."""

    confirmed_at: Timestamp


class OrderShipped(Event):
    """The order has left."""

    tracking_number: Text | None = None


class OrderCancelled(Event):
    """The order was given up."""

    reason: Text


OrderCommand = PlaceOrder | ConfirmOrder | ShipOrder | CancelOrder
OrderEvent = OrderPlaced | OrderConfirmed | OrderShipped | OrderCancelled
