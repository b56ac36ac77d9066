"""A saga as pure functions: what it is after its events, what it says to what it hears, and what it is still asking for."""

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
    """A command that waits for its answer. The same id is the same command; `resent` says how often it was sent again."""

    command_id: str
    resent: int
    command_type: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]


class CommandResult(NamedTuple):
    """The result of a command, whoever sent that."""

    command_id: str
    command_type: str
    aggregate_id: str
    outcome: Literal["accepted", "refused", "parked"]
    refusal: Refusal | None = None


class TimerElapsed(NamedTuple):
    """It is as late as the saga wanted to be woken, or later."""

    now_ms: int
    """The brokers' time (milliseconds since 1970): what is asked for again now is waited for from now on, however late it is."""


class Waiting(NamedTuple):
    """What a saga waits for: by this, what it does when nothing comes is tied to what came before."""

    correlation_id: str
    command_id: str


class NextActions(NamedTuple):
    """What a saga is asking for, and when it wants to be woken if nothing comes (milliseconds since 1970; None: never)."""

    asks: tuple[OutgoingCommand, ...] = ()
    wake_ms: int | None = None


class React(Protocol[Reacting_contra]):
    """What follows from a state."""

    def __call__(self, key: str, state: Reacting_contra, before: Reacting_contra | None = None, /) -> NextActions:
        """What a saga asks for, and did not ask for before."""


@dataclass(frozen=True)
class SagaDefinition(Generic[State, EventT, HeardT]):
    """`react` follows from the state alone: starting, repeating, giving up and going on after a restart are the same code."""

    initial: State
    evolve: Callable[[State, EventT], State]
    hear: Callable[[str, State, HeardT, int], tuple[EventT, ...]]
    """Its key, its state, what it hears, and when that was (milliseconds since 1970), to events."""
    react: "React[State]"
    waiting: Callable[[str, State], Waiting | None]
    """Its key and its state, to the command of which it will look first whether it was answered; None if it waits for none."""
    status: Callable[[State], str]

    def transitions(self, state: State, events: tuple[EventT, ...]) -> list[str]:
        """The statuses that these events lead to, one after another."""
        statuses = [self.status(state)]
        for event in events:
            state = self.evolve(state, event)
            statuses.append(self.status(state))
        return [after for before, after in pairwise(statuses) if after != before]
