"""The Customer's commands and events: a customer has credit (contract, section 3)."""

from typing import Annotated, Self

from pydantic import ConfigDict, model_validator

from schemas.envelopes import Command, Event
from schemas.fields import Currency, Id, Money, NotNull, PersonalText, RecordedCurrency


class RegisterCustomer(Command):
    """A customer with a limit of credit."""

    name: PersonalText
    email: PersonalText
    credit_limit: Money
    currency: Currency


class ChangeCustomer(Command):
    """Change what is said of the customer; at least one of the fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Annotated[PersonalText | None, NotNull] = None
    email: Annotated[PersonalText | None, NotNull] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.email is None:
            message = "name or email is needed"
            raise ValueError(message)
        return self


class ChangeCreditLimit(Command):
    """Set another limit, not below what is used."""

    credit_limit: Money


class ProcessPayment(Command):
    """Pay for an order out of the credit."""

    order_id: Id
    amount: Money
    currency: Currency
    again: bool = False
    """Also where the order's payment was refunded."""


class RefundPayment(Command):
    """Give back what an order's payment took."""

    order_id: Id


class CustomerRegistered(Event):
    """A customer is known."""

    name: PersonalText
    email: PersonalText
    credit_limit: Money
    currency: RecordedCurrency


class CustomerChanged(Event):
    """Something else is said of the customer; absent is unchanged."""

    name: PersonalText | None = None
    email: PersonalText | None = None


class CreditLimitChanged(Event):
    """Another limit holds."""

    credit_limit: Money


class PaymentProcessed(Event):
    """An order is paid."""

    order_id: Id
    amount: Money
    currency: RecordedCurrency


class PaymentRefunded(Event):
    """An order's payment was given back."""

    order_id: Id
    amount: Money
    currency: RecordedCurrency


CustomerCommand = RegisterCustomer | ChangeCustomer | ChangeCreditLimit | ProcessPayment | RefundPayment
CustomerEvent = CustomerRegistered | CustomerChanged | CreditLimitChanged | PaymentProcessed | PaymentRefunded
