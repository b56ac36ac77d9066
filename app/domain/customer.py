"""The Customer: how much credit there is, and what of it each order's payment took."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from app.domain.decider import Decider, Decision, by_name
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
from schemas.message import Refusal


class Unregistered(Struct, frozen=True, tag="UNREGISTERED"):
    """Never registered."""


class Registered(Struct, frozen=True, tag="REGISTERED"):
    """Credit in minor units of `currency`."""

    currency: str
    credit_limit: int
    credit_used: int = 0


Customer = Unregistered | Registered


class PaymentState(StrEnum):
    """What became of a payment."""

    PAID = "PAID"
    REFUNDED = "REFUNDED"


class Payment(Struct, frozen=True):
    """What one order took of the credit."""

    state: PaymentState
    amount: int
    currency: str


def evolve(customer: Customer, event: CustomerEvent) -> Customer:
    """Fold credit."""
    match customer, event:
        case _, CustomerRegistered():
            return Registered(event.currency, event.credit_limit)
        case Unregistered(), _:
            return customer
        case Registered(), CustomerChanged():
            return customer
        case Registered(), CreditLimitChanged():
            return replace(customer, credit_limit=event.credit_limit)
        case Registered(), PaymentProcessed():
            return replace(customer, credit_used=customer.credit_used + event.amount)
        case Registered(), PaymentRefunded():
            return replace(customer, credit_used=customer.credit_used - event.amount)
        case _:
            assert_never(event)  # type: ignore[arg-type]  # mypy does not narrow pairs


def evolve_payment(payment: Payment | None, event: CustomerEvent) -> Payment | None:
    """Fold one order's payment."""
    match event:
        case PaymentProcessed():
            return Payment(PaymentState.PAID, event.amount, event.currency)
        case PaymentRefunded():
            return Payment(PaymentState.REFUNDED, event.amount, event.currency)
        case CustomerRegistered() | CustomerChanged() | CreditLimitChanged():
            return payment
        case _:
            assert_never(event)


def decide(command: CustomerCommand, customer: Customer, payment: Payment | None, _at: str) -> Decision:
    """The contract's table of customers."""
    match command, customer:
        case RegisterCustomer(), Unregistered():
            return (CustomerRegistered(name=command.name, email=command.email, credit_limit=command.credit_limit, currency=command.currency),)
        case RegisterCustomer(), Registered():
            return Refusal(code="already-exists", message="the customer was registered before")
        case _, Unregistered():
            return Refusal(code="unknown-customer", message="the customer was never registered")
        case ChangeCustomer(), Registered():
            return (CustomerChanged(name=command.name, email=command.email),)
        case ChangeCreditLimit(), Registered():
            return _limit(command, customer)
        case ProcessPayment(), Registered():
            return _pay(command, customer, payment)
        case RefundPayment(), Registered():
            return _refund(command, payment)
        case _:
            assert_never(command)  # type: ignore[arg-type]  # mypy does not narrow pairs


def _limit(command: ChangeCreditLimit, customer: Registered) -> Decision:
    if command.credit_limit < customer.credit_used:
        return Refusal(code="insufficient-credit", message=f"{customer.credit_used} of the credit are in use")
    return (CreditLimitChanged(credit_limit=command.credit_limit),)


def _pay(command: ProcessPayment, customer: Registered, payment: Payment | None) -> Decision:
    if payment is not None:
        return Refusal(code="already-exists", message="this order was paid before", state=payment.state)
    if command.currency != customer.currency:
        return Refusal(code="currency-mismatch", message=f"the customer's currency is {customer.currency}")
    if command.amount > (left := customer.credit_limit - customer.credit_used):
        return Refusal(code="insufficient-credit", message=f"{left} of the credit are left, {command.amount} are wanted")
    return (PaymentProcessed(order_id=command.order_id, amount=command.amount, currency=command.currency),)


def _refund(command: RefundPayment, payment: Payment | None) -> Decision:
    if payment is None:
        return Refusal(code="not-found", message="this order was never paid")
    if payment.state is not PaymentState.PAID:
        return Refusal(code="illegal-transition", message="the payment was refunded before", state=payment.state)
    return (PaymentRefunded(order_id=command.order_id, amount=payment.amount, currency=payment.currency),)


customer_decider = Decider(
    aggregate_type="Customer",
    topic="customer",
    commands=by_name(RegisterCustomer, ChangeCustomer, ChangeCreditLimit, ProcessPayment, RefundPayment),
    events=by_name(CustomerRegistered, CustomerChanged, CreditLimitChanged, PaymentProcessed, PaymentRefunded),
    initial=Unregistered(),
    decide=decide,
    evolve=evolve,
    evolve_detail=evolve_payment,
    root_type=Customer,
    detail_type=Payment,
)
