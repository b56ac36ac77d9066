"""Order of checks for one command (contract, section 2), from `invalid` on. Duplicates are detected before."""

from typing import Generic, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.eventsourcing.decider import At, CommandT, Decider, Detail, EventT, Root
from schemas.envelopes import Event, Refusal

WINDOW = 256
"""Size of the dedup window: command ids remembered for each aggregate, and for each order that its commands name (contract, section 2)."""

MESSAGE_LENGTH = 500
"""Most characters of a refusal's message. A sender's field names can be as long as the record."""

_WORDS = {"model_type": "Input should be an object", "dict_type": "Input should be an object", "tuple_type": "Input should be an array"}
"""Messages for errors in which pydantic names Python's types. A sender sees JSON's types instead."""


class CommandInput(NamedTuple):
    """Content of a command. `payload` is any JSON, not checked yet."""

    command_type: str
    payload: object
    expected_version: int | None = None


class CurrentState(NamedTuple, Generic[Root, Detail]):
    """Current state of the aggregate, with its detail for the one order that the command names."""

    version: int
    root: Root
    detail: Detail | None = None


class DecisionResult(NamedTuple, Generic[Root, Detail]):
    """Events and the state after them, or a refusal and the unchanged state."""

    events: tuple[Event, ...]
    refusal: Refusal | None
    root: Root
    detail: Detail | None


def respond(
    decider: Decider[CommandT, EventT, Root, Detail], asked: CommandInput, standing: CurrentState[Root, Detail], at: At
) -> DecisionResult[Root, Detail]:
    """Decide a command; the first check that fails gives the refusal.

    The checks are `invalid`, `version-conflict`, then the decider's own. The new version is the old one plus the number of events.
    """
    command = parse(decider, asked.command_type, asked.payload)
    refusal = command if isinstance(command, Refusal) else conflict(asked.expected_version, standing.version)
    if refusal is not None or isinstance(command, Refusal):
        return DecisionResult((), refusal, standing.root, standing.detail)
    return answer(decider, command, standing.root, standing.detail, at)


def parse(decider: Decider[CommandT, EventT, Root, Detail], command_type: str, payload: object) -> CommandT | Refusal:
    """Parse the payload with the model of its command type, which the decider must have. Returns the refusal `invalid` if that fails."""
    try:
        return decider.commands[command_type].read(payload)
    except ValidationError as error:
        return invalid(error, "payload")


def conflict(expected_version: int | None, version: int) -> Refusal | None:
    """Return the refusal `version-conflict`, unless the aggregate is at the version that the sender expects. An aggregate that does not exist has version 0."""
    if expected_version is None or expected_version == version:
        return None
    return Refusal(code="version-conflict", message=f"expected version {expected_version}, the aggregate is at {version}")


def answer(decider: Decider[CommandT, EventT, Root, Detail], command: CommandT, root: Root, detail: Detail | None, at: At) -> DecisionResult[Root, Detail]:
    """Decide a valid command, and apply its events to the state."""
    decision = decider.decide(command, root, detail, at)
    if isinstance(decision, Refusal):
        return DecisionResult((), decision, root, detail)
    for event in decision:
        root, detail = decider.evolve(root, event), decider.evolve_detail(detail, event)
    return DecisionResult(decision, None, root, detail)


def invalid(error: ValidationError, where: str) -> Refusal:
    """Build the refusal `invalid`, which names the first faulty fields below `where`. It never contains their values, which may be personal."""
    faults = error.errors(include_url=False, include_input=False)
    told = [_told(where, fault) for fault in faults if not _follows(fault, faults)]
    return Refusal(code="invalid", message="; ".join(told[:5])[:MESSAGE_LENGTH])


def _told(where: str, fault: ErrorDetails) -> str:
    return f"{'.'.join([where, *map(str, fault['loc'])])}: {_WORDS.get(fault['type'], fault['msg'])}"


def _follows(fault: ErrorDetails, faults: list[ErrorDetails]) -> bool:
    """Return whether an array is too short only because pydantic does not count the items that have faults of their own."""
    depth = len(fault["loc"])
    return fault["type"] == "too_short" and any(each["loc"][:depth] == fault["loc"] and len(each["loc"]) > depth for each in faults)
