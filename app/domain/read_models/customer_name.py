"""Feed records between the read models of orders and customers, so that an order shows its customer's name (docs/decisions/0017)."""

from msgspec import Struct

ASKED = -1
"""Version of a name that was requested and has not arrived yet. 0 is the version of a customer who is not registered."""


class Ordering(Struct, frozen=True, rename="camel"):
    """Request from an order's partition, at its first order of a customer, for the customer's name."""

    customer_id: str
    order_id: str


class CustomerName(Struct, frozen=True, rename="camel", gc=False):
    """Name and email from the customer's partition, valid since this version of the customer."""

    customer_id: str
    version: int
    name: str | None = None
    email: str | None = None


def project(known: CustomerName | None, told: CustomerName) -> CustomerName:
    """Return the newer of the known and the received name. A feed repeats records, so only a higher version replaces, whatever the gap."""
    return told if known is None or told.version > known.version else known
