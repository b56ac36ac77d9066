"""Commands and events of the Customer, who has credit (contract, section 3)."""

from typing import Annotated, Self

from pydantic import ConfigDict, model_validator

from schemas.envelopes import Command, Event
from schemas.fields import Currency, Id, Money, NotNull, PersonalText, RecordedCurrency


class RegisterCustomer(Command):
    """Command to register a customer with a credit limit."""

    name: PersonalText
    email: PersonalText
    credit_limit: Money
    currency: Currency


class ChangeCustomer(Command):
    """Command to change the customer's name, email or both. At least one field is required."""

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
    """Command to set another credit limit, not below the credit in use."""

    credit_limit: Money


class ProcessPayment(Command):
    """Command to pay for an order out of the credit."""

    order_id: Id
    amount: Money
    currency: Currency
    again: bool = False
    """True to pay again for an order whose payment was refunded."""


class RefundPayment(Command):
    """Command to refund an order's payment."""

    order_id: Id


class CustomerRegistered(Event):
    """Event: the customer was registered."""

    name: PersonalText
    email: PersonalText
    credit_limit: Money
    currency: RecordedCurrency


class CustomerChanged(Event):
    """Event: the customer's name or email changed. An absent field is unchanged."""

    name: PersonalText | None = None
    email: PersonalText | None = None


class CreditLimitChanged(Event):
    """Event: the credit limit changed."""

    credit_limit: Money


class PaymentProcessed(Event):
    """Event: an order was paid."""

    order_id: Id
    amount: Money
    currency: RecordedCurrency


class PaymentRefunded(Event):
    """Event: an order's payment was refunded."""

    order_id: Id
    amount: Money
    currency: RecordedCurrency


CustomerCommand = RegisterCustomer | ChangeCustomer | ChangeCreditLimit | ProcessPayment | RefundPayment
CustomerEvent = CustomerRegistered | CustomerChanged | CreditLimitChanged | PaymentProcessed | PaymentRefunded
