"""The bodies of HTTP requests (contract, section 4): the payload of a command, with the id of what is created where the client may choose it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.customer import ChangeCreditLimit, ChangeCustomer, RegisterCustomer
from schemas.envelopes import Command
from schemas.fields import Id, Money, NewId, NotNull, PersonalText, Text
from schemas.order import CancelOrder, PlaceOrder, ShipOrder
from schemas.product import ReceiveStock, RegisterProduct
from schemas.saga import StepName

__all__ = ["CancelOrder", "ReceiveStock", "ShipOrder"]

ChosenId = Annotated[NewId | None, NotNull]
"""Left out, it is derived from the request's Idempotency-Key."""


class PostOrder(PlaceOrder):
    """`POST /orders`."""

    order_id: ChosenId = None


class PostProduct(RegisterProduct):
    """`POST /products`."""

    product_id: ChosenId = None


class PostCustomer(RegisterCustomer):
    """`POST /customers`."""

    customer_id: ChosenId = None


class PatchCustomer(Command):
    """`PATCH /customers/{id}`: name and email, or the credit limit."""

    name: Annotated[PersonalText | None, NotNull] = None
    email: Annotated[PersonalText | None, NotNull] = None
    credit_limit: Annotated[Money | None, NotNull] = None

    def command(self) -> ChangeCustomer | ChangeCreditLimit | None:
        """The one command that is meant; None when it is none, or two."""
        about = self.model_dump(exclude_none=True)
        match self.credit_limit, bool(about):
            case None, True:
                return ChangeCustomer(**about)
            case int(), _ if len(about) == 1:
                return ChangeCreditLimit(credit_limit=self.credit_limit)
            case _:
                return None


class Discard(Command):
    """`POST /parked/.../discard`."""

    reason: Text


class ActOnSaga(Command):
    """`POST /sagas/{orderId}/actions`: what an operator wants of a saga, who that is, and why; the rest is what the action needs."""

    action: Literal["RetryStep", "SkipStep", "ForceCompensate", "CompleteSaga", "ExtendDeadline"]
    user_id: Id
    reason: Text
    step: Annotated[StepName | None, NotNull] = None
    product_id: Annotated[Id | None, NotNull] = None
    seconds: Annotated[Annotated[int, Field(ge=1)] | None, NotNull] = None

    def payload(self) -> dict[str, Any]:
        """That of the command, which is not checked yet."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"action", "user_id"})


class Rebuild(Command):
    """`POST /tables/.../rebuild` and `.../rollback`: with the id of one that was begun, nothing is begun anew."""

    rebuild_id: Id
