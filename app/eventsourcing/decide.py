"""The order of checks for one command (contract, section 2), from `invalid` on; duplicates are found before."""

from typing import Generic, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.eventsourcing.decider import At, CommandT, Decider, Detail, EventT, Root
from schemas.envelopes import Event, Refusal

WINDOW = 256
"""Command ids remembered for each aggregate, and for each order that its commands name (contract, section 2)."""

MESSAGE_LENGTH = 500
"""Characters of a refusal's message: a sender's field names can be as long as the record."""

_WORDS = {"model_type": "Input should be an object", "dict_type": "Input should be an object", "tuple_type": "Input should be an array"}
"""Pydantic names Python's types in these, and a sender sees JSON's."""


class CommandInput(NamedTuple):
    """What a command asks for; `payload` is any JSON, not checked yet."""

    command_type: str
    payload: object
    expected_version: int | None = None


class CurrentState(NamedTuple, Generic[Root, Detail]):
    """Where the aggregate stands, and what stands beside it for the one order that the command names."""

    version: int
    root: Root
    detail: Detail | None = None


class DecisionResult(NamedTuple, Generic[Root, Detail]):
    """Events and the state after them, or a refusal and the state unchanged."""

    events: tuple[Event, ...]
    refusal: Refusal | None
    root: Root
    detail: Detail | None


def respond(
    decider: Decider[CommandT, EventT, Root, Detail], asked: CommandInput, standing: CurrentState[Root, Detail], at: At
) -> DecisionResult[Root, Detail]:
    """The first check that fails is the answer: `invalid`, `version-conflict`, then the decider's; the new version is the old one plus the events."""
    command = parse(decider, asked.command_type, asked.payload)
    refusal = command if isinstance(command, Refusal) else conflict(asked.expected_version, standing.version)
    if refusal is not None or isinstance(command, Refusal):
        return DecisionResult((), refusal, standing.root, standing.detail)
    return answer(decider, command, standing.root, standing.detail, at)


def parse(decider: Decider[CommandT, EventT, Root, Detail], command_type: str, payload: object) -> CommandT | Refusal:
    """The payload as the model of its command type (which the decider must have), or the refusal `invalid`."""
    try:
        return decider.commands[command_type].read(payload)
    except ValidationError as error:
        return invalid(error, "payload")


def conflict(expected_version: int | None, version: int) -> Refusal | None:
    """The refusal `version-conflict`, unless the aggregate is where the sender expects it; 0 is an aggregate that does not exist."""
    if expected_version is None or expected_version == version:
        return None
    return Refusal(code="version-conflict", message=f"expected version {expected_version}, the aggregate is at {version}")


def answer(decider: Decider[CommandT, EventT, Root, Detail], command: CommandT, root: Root, detail: Detail | None, at: At) -> DecisionResult[Root, Detail]:
    """Decide, and fold what was decided."""
    decision = decider.decide(command, root, detail, at)
    if isinstance(decision, Refusal):
        return DecisionResult((), decision, root, detail)
    for event in decision:
        root, detail = decider.evolve(root, event), decider.evolve_detail(detail, event)
    return DecisionResult(decision, None, root, detail)


def invalid(error: ValidationError, where: str) -> Refusal:
    """The refusal `invalid`, naming the first fields at fault below `where`; never their values, which may be personal."""
    faults = error.errors(include_url=False, include_input=False)
    told = [_told(where, fault) for fault in faults if not _follows(fault, faults)]
    return Refusal(code="invalid", message="; ".join(told[:5])[:MESSAGE_LENGTH])


def _told(where: str, fault: ErrorDetails) -> str:
    return f"{'.'.join([where, *map(str, fault['loc'])])}: {_WORDS.get(fault['type'], fault['msg'])}"


def _follows(fault: ErrorDetails, faults: list[ErrorDetails]) -> bool:
    """True for an array that is too short only because pydantic does not count the items that have faults of their own."""
    depth = len(fault["loc"])
    return fault["type"] == "too_short" and any(each["loc"][:depth] == fault["loc"] and len(each["loc"]) > depth for each in faults)
