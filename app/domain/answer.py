"""The order of checks for one command (contract, section 2), from `invalid` on; duplicates are found before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.domain.decider import Decider
from schemas.message import Command, Event, Refusal


class Answer(NamedTuple):
    """Events and the state after them, or a refusal and the state unchanged."""

    events: Sequence[Event]
    refusal: Refusal | None
    root: Any
    detail: Any


def parse(decider: Decider, command_type: str, payload: Any) -> Command | Refusal:  # noqa: ANN401 (any JSON)
    """The payload as the model of its command type, or the refusal `invalid`."""
    try:
        return decider.commands[command_type].model_validate(payload)
    except ValidationError as error:
        return invalid(error, "payload")


def answer(decider: Decider, command: Command, root: Any, detail: Any, at: str) -> Answer:  # noqa: ANN401 (the decider's own states)
    """Decide, and fold what was decided."""
    decision = decider.decide(command, root, detail, at)
    if isinstance(decision, Refusal):
        return Answer((), decision, root, detail)
    for event in decision:
        root, detail = decider.evolve(root, event), decider.evolve_detail(detail, event)
    return Answer(decision, None, root, detail)


def conflict(expected_version: int | None, version: int) -> Refusal | None:
    """The refusal `version-conflict`, unless the aggregate is where the sender expects it."""
    if expected_version is None or expected_version == version:
        return None
    return Refusal(code="version-conflict", message=f"expected version {expected_version}, the aggregate is at {version}")


def invalid(error: ValidationError, where: str) -> Refusal:
    """The refusal `invalid`, naming the first fields at fault."""
    faults = [f"{'.'.join([where, *map(str, fault['loc'])])}: {fault['msg']}" for fault in error.errors(include_url=False, include_input=False)[:5]]
    return Refusal(code="invalid", message="; ".join(faults)[:500])
