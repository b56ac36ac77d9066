"""Saga as pure functions: its state after its events, its events after an input, and the commands it still waits for."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from schemas.envelopes import Refusal

State = TypeVar("State")
EventT = TypeVar("EventT")
HeardT = TypeVar("HeardT")
Reacting_contra = TypeVar("Reacting_contra", contravariant=True)


class OutgoingCommand(NamedTuple):
    """A command that waits for its result. The same id is the same command; `resent` says how often it was sent again."""

    command_id: str
    resent: int
    command_type: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]


class CommandResult(NamedTuple):
    """Result of a command, of this saga or of any other sender."""

    command_id: str
    command_type: str
    aggregate_id: str
    outcome: Literal["accepted", "refused", "parked"]
    refusal: Refusal | None = None


class TimerElapsed(NamedTuple):
    """Input of a saga whose timer has elapsed."""

    now_ms: int
    """Brokers' time (milliseconds since 1970). The time-out of a command that is sent again starts at this time, however late the timer fires."""


class Waiting(NamedTuple):
    """Command that a saga waits for. It ties the saga's events at a time-out to their cause."""

    correlation_id: str
    command_id: str


class NextActions(NamedTuple):
    """Commands that a saga sends, and when its timer is due if no input comes (milliseconds since 1970; None: never)."""

    asks: tuple[OutgoingCommand, ...] = ()
    wake_ms: int | None = None


class React(Protocol[Reacting_contra]):
    """Function from a state to the next actions."""

    def __call__(self, key: str, state: Reacting_contra, before: Reacting_contra | None = None, /) -> NextActions:
        """Return the commands of `state` that `before` did not have, and the due time of the timer."""


@dataclass(frozen=True)
class SagaDefinition(Generic[State, EventT, HeardT]):
    """Definition of a saga. `react` depends on the state alone, so starting, repeating, giving up and resuming after a restart are the same code."""

    initial: State
    evolve: Callable[[State, EventT], State]
    hear: Callable[[str, State, HeardT, int], tuple[EventT, ...]]
    """Function from key, state, input and the input's time (milliseconds since 1970) to events."""
    react: "React[State]"
    waiting: Callable[[str, State], Waiting | None]
    """Function from key and state to the command that will time out first; None if the saga waits for none."""
    status: Callable[[State], str]

    def transitions(self, state: State, events: tuple[EventT, ...]) -> list[str]:
        """Return the statuses that these events lead to, one after another."""
        statuses = [self.status(state)]
        for event in events:
            state = self.evolve(state, event)
            statuses.append(self.status(state))
        return [after for before, after in pairwise(statuses) if after != before]
