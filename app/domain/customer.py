"""The Customer aggregate: its credit, and the payment of each order out of it."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from app.eventsourcing.decider import At, Decider, Decision, by_name
from schemas.customer import (
    ChangeCreditLimit,
    ChangeCustomer,
    CreditLimitChanged,
    CustomerChanged,
    CustomerCommand,
    CustomerEvent,
    CustomerRegistered,
    PaymentProcessed,
    PaymentRefunded,
    ProcessPayment,
    RefundPayment,
    RegisterCustomer,
)
from schemas.envelopes import Refusal


class Unregistered(Struct, frozen=True, tag="UNREGISTERED"):
    """Customer that was never registered."""


class Registered(Struct, frozen=True, tag="REGISTERED"):
    """Registered customer. Credit is in minor units of `currency`."""

    currency: str
    credit_limit: int
    credit_used: int = 0


Customer = Unregistered | Registered


class PaymentState(StrEnum):
    """State of a payment."""

    PAID = "PAID"
    REFUNDED = "REFUNDED"


class Payment(Struct, frozen=True):
    """Payment for one order out of the credit."""

    state: PaymentState
    amount: int
    currency: str


def evolve(customer: Customer, event: CustomerEvent) -> Customer:
    """Apply an event to the customer's credit."""
    match event:
        case CustomerRegistered():
            return Registered(event.currency, event.credit_limit)
        case CustomerChanged():
            return customer
        case CreditLimitChanged():
            return replace(_registered(customer), credit_limit=event.credit_limit)
        case PaymentProcessed():
            return _used(_registered(customer), event.amount)
        case PaymentRefunded():
            return _used(_registered(customer), -event.amount)
        case never:
            assert_never(never)


def evolve_payment(payment: Payment | None, event: CustomerEvent) -> Payment | None:
    """Apply an event to one order's payment."""
    match event:
        case PaymentProcessed():
            return Payment(PaymentState.PAID, event.amount, event.currency)
        case PaymentRefunded():
            return Payment(PaymentState.REFUNDED, event.amount, event.currency)
        case CustomerRegistered() | CustomerChanged() | CreditLimitChanged():
            return payment
        case never:
            assert_never(never)


def decide(command: CustomerCommand, customer: Customer, payment: Payment | None, _at: At) -> Decision[CustomerEvent]:  # noqa: PLR0911 (a truth table returns in every row)
    """Decide a command by the contract's table of customers (section 3)."""
    match command, customer:
        case RegisterCustomer(), Unregistered():
            return (CustomerRegistered(name=command.name, email=command.email, credit_limit=command.credit_limit, currency=command.currency),)
        case RegisterCustomer(), _:
            return Refusal(code="already-exists", message="the customer was registered before")
        case _, Unregistered():
            return Refusal(code="unknown-customer", message="the customer was never registered")
        case ChangeCustomer(), _:
            return (CustomerChanged(name=command.name, email=command.email),)
        case ChangeCreditLimit(), _:
            return _limit(command, customer)
        case ProcessPayment(), _:
            return _pay(command, customer, payment)
        case RefundPayment(), Registered():
            return _refund(command, payment)
        case never:
            assert_never(never)


def _registered(customer: Customer) -> Registered:
    assert isinstance(customer, Registered), "credit moves only after CustomerRegistered: the log lacks the customer's first event"
    return customer


def _used(customer: Registered, amount: int) -> Registered:
    return replace(customer, credit_used=customer.credit_used + amount)


def _limit(command: ChangeCreditLimit, customer: Registered) -> Decision[CustomerEvent]:
    if command.credit_limit < customer.credit_used:
        return Refusal(code="insufficient-credit", message=f"{customer.credit_used} of the credit are in use")
    return (CreditLimitChanged(credit_limit=command.credit_limit),)


def _pay(command: ProcessPayment, customer: Registered, payment: Payment | None) -> Decision[CustomerEvent]:
    if payment is not None and not (command.again and payment.state is PaymentState.REFUNDED):
        return Refusal(code="already-exists", message="this order was paid before", state=payment.state)
    if command.currency != customer.currency:
        return Refusal(code="currency-mismatch", message=f"the customer's currency is {customer.currency}")
    if command.amount > (left := customer.credit_limit - customer.credit_used):
        return Refusal(code="insufficient-credit", message=f"{left} of the credit are left, {command.amount} are wanted")
    return (PaymentProcessed(order_id=command.order_id, amount=command.amount, currency=command.currency),)


def _refund(command: RefundPayment, payment: Payment | None) -> Decision[CustomerEvent]:
    if payment is None:
        return Refusal(code="not-found", message="this order was never paid")
    if payment.state is not PaymentState.PAID:
        return Refusal(code="illegal-transition", message="the payment was refunded before", state=payment.state)
    return (PaymentRefunded(order_id=command.order_id, amount=payment.amount, currency=payment.currency),)


customer_decider: Decider[CustomerCommand, CustomerEvent, Customer, Payment] = Decider(
    aggregate_type="Customer",
    topic="customer",
    commands=by_name(RegisterCustomer, ChangeCustomer, ChangeCreditLimit, ProcessPayment, RefundPayment),
    events=by_name(CustomerRegistered, CustomerChanged, CreditLimitChanged, PaymentProcessed, PaymentRefunded),
    initial=Unregistered(),
    decide=decide,
    evolve=evolve,
    publication=None,
    detail="payment",
    evolve_detail=evolve_payment,
)
