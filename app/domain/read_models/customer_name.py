"""What the views of orders and of customers tell each other, so that an order shows who ordered it (docs/decisions/0017)."""

from msgspec import Struct

ASKED = -1
"""The version of a name that was asked for and not told yet; 0 is that of a customer who is not registered."""


class Ordering(Struct, frozen=True, rename="camel"):
    """From an order's partition: this is the first order of the customer here, tell it the customer's name."""

    customer_id: str
    order_id: str


class CustomerName(Struct, frozen=True, rename="camel", gc=False):
    """From the customer's partition: name and email since this version of the customer."""

    customer_id: str
    version: int
    name: str | None = None
    email: str | None = None


def project(known: CustomerName | None, told: CustomerName) -> CustomerName:
    """What is known of a customer after it was told: a feed repeats itself, so only a higher version is news, whatever the gap."""
    return told if known is None or told.version > known.version else known
