"""Read model of customers: name, email, credit limit and used credit."""

from msgspec import Struct
from msgspec.structs import replace

from app.eventsourcing.recorded_event import RecordedEvent, UnexpectedEvent, payload


class CustomerAccount(Struct, frozen=True, rename="camel", gc=False):
    """Row of a customer. Credit is in minor units of `currency`; `named_at` is the version of the current name and email."""

    customer_id: str
    name: str
    email: str
    currency: str
    credit_limit: int
    credit_used: int
    version: int
    last_updated: str
    named_at: int


class Registration(Struct, rename="camel"):
    """Fields of CustomerRegistered."""

    name: str
    email: str
    credit_limit: int
    currency: str


class Naming(Struct):
    """Fields of CustomerChanged. An absent field is unchanged."""

    name: str | None = None
    email: str | None = None


class Limit(Struct, rename="camel"):
    """Field of CreditLimitChanged."""

    credit_limit: int


class Amount(Struct):
    """Amount of PaymentProcessed and PaymentRefunded."""

    amount: int


def project(account: CustomerAccount | None, event: RecordedEvent) -> CustomerAccount:
    """Return the row after an event."""
    match event.event_type, account:
        case "CustomerRegistered", None:
            return _registered(event)
        case "CustomerChanged", CustomerAccount():
            return _named(account, event)
        case "CreditLimitChanged", CustomerAccount():
            return replace(account, credit_limit=payload(event, Limit).credit_limit, version=event.version, last_updated=event.timestamp)
        case "PaymentProcessed", CustomerAccount():
            return _used(account, event, payload(event, Amount).amount)
        case "PaymentRefunded", CustomerAccount():
            return _used(account, event, -payload(event, Amount).amount)
        case _:
            raise UnexpectedEvent(event)


def _registered(event: RecordedEvent) -> CustomerAccount:
    customer = payload(event, Registration)
    return CustomerAccount(
        event.aggregate_id, customer.name, customer.email, customer.currency, customer.credit_limit, 0, event.version, event.timestamp, event.version
    )


def _named(account: CustomerAccount, event: RecordedEvent) -> CustomerAccount:
    naming = payload(event, Naming)
    name, email = naming.name or account.name, naming.email or account.email
    return replace(account, name=name, email=email, version=event.version, last_updated=event.timestamp, named_at=event.version)


def _used(account: CustomerAccount, event: RecordedEvent, amount: int) -> CustomerAccount:
    return replace(account, credit_used=account.credit_used + amount, version=event.version, last_updated=event.timestamp)
