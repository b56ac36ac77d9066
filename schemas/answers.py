"""The bodies of HTTP answers: to commands, and about the worker (contract, section 4); errors are problem details."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.envelopes import Message, Refusal
from schemas.fields import Id, NotNull

Version = Annotated[int, Field(ge=1)]
"""Of an aggregate that exists."""

Status = Literal["PLACED", "CONFIRMED", "SHIPPED", "CANCELLED"]
"""Of an order that was placed."""


class Answer(Message):
    """What a client gets: no field comes that is not described."""

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
    """The outcome of the command is not known yet: `Location` is where it can be asked for."""

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
    """The worker makes progress."""

    status: Literal["alive"]


class Ready(Answer):
    """The worker serves all that is assigned to it."""

    status: Literal["ready"]
