"""Bodies of HTTP requests (contract, section 4): the payload of a command, with the new aggregate's id where the client may choose it."""

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
"""Id that the client may choose. If absent, the worker derives it from the request's Idempotency-Key."""


class PostOrder(PlaceOrder):
    """Body of `POST /orders`."""

    order_id: ChosenId = None


class PostProduct(RegisterProduct):
    """Body of `POST /products`."""

    product_id: ChosenId = None


class PostCustomer(RegisterCustomer):
    """Body of `POST /customers`."""

    customer_id: ChosenId = None


class PatchCustomer(Command):
    """Body of `PATCH /customers/{id}`: name and email, or the credit limit."""

    name: Annotated[PersonalText | None, NotNull] = None
    email: Annotated[PersonalText | None, NotNull] = None
    credit_limit: Annotated[Money | None, NotNull] = None

    def command(self) -> ChangeCustomer | ChangeCreditLimit | None:
        """Return the one command that the body means, or None if it means none or two."""
        about = self.model_dump(exclude_none=True)
        match self.credit_limit, bool(about):
            case None, True:
                return ChangeCustomer(**about)
            case int(), _ if len(about) == 1:
                return ChangeCreditLimit(credit_limit=self.credit_limit)
            case _:
                return None


class Discard(Command):
    """Body of `POST /parked/.../discard`."""

    reason: Text


class ActOnSaga(Command):
    """Body of `POST /sagas/{orderId}/actions`: an operator's action on a saga, the operator, the reason, and the action's parameters."""

    action: Literal["RetryStep", "SkipStep", "ForceCompensate", "CompleteSaga", "ExtendDeadline"]
    user_id: Id
    reason: Text
    step: Annotated[StepName | None, NotNull] = None
    product_id: Annotated[Id | None, NotNull] = None
    seconds: Annotated[Annotated[int, Field(ge=1)] | None, NotNull] = None

    def payload(self) -> dict[str, Any]:
        """Return the payload of the command. It is not validated yet."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"action", "user_id"})


class Rebuild(Command):
    """Body of `POST /tables/.../rebuild` and `.../rollback`. Repeating the id of one that has begun does not begin another."""

    rebuild_id: Id
