"""Bodies of HTTP responses to commands, and of the worker's health (contract, section 4). Errors are problem details."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.envelopes import Message, Refusal
from schemas.fields import Id, NotNull

Version = Annotated[int, Field(ge=1)]
"""Version of an aggregate that exists."""

Status = Literal["PLACED", "CONFIRMED", "SHIPPED", "CANCELLED"]
"""Status of an order that was placed."""


class Answer(Message):
    """Base class of response bodies. A response has no undeclared field."""

    model_config = ConfigDict(extra="forbid")


class OrderAnswer(Answer):
    """An order after a write."""

    order_id: Id
    version: Version
    status: Status


class ProductAnswer(Answer):
    """A product after a write."""

    product_id: Id
    version: Version


class CustomerAnswer(Answer):
    """A customer after a write."""

    customer_id: Id
    version: Version


class SagaAnswer(Answer):
    """A saga after an operator's action."""

    order_id: Id
    version: Version


class Unanswered(Answer):
    """Response while the outcome of the command is pending. The client asks for it at `Location`."""

    command_id: Id


class CommandAnswer(Answer):
    """The result of a command, as the topic `results` has it, without its metadata."""

    command_id: Id
    command_type: str
    aggregate_id: Id
    aggregate_type: str
    outcome: Literal["accepted", "refused"]
    version: Annotated[int, Field(ge=0)]
    event_ids: list[Id]
    refusal: Annotated[Refusal | None, NotNull] = None


class Alive(Answer):
    """Liveness: the worker makes progress."""

    status: Literal["alive"]


class Ready(Answer):
    """Readiness: the worker serves every partition that is assigned to it."""

    status: Literal["ready"]
