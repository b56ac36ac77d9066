"""Given events, when a command is asked for, then events or a refusal: the domain without a broker."""

from dataclasses import dataclass, field
from typing import Any, Self

from app.eventsourcing.decide import CommandInput, CurrentState, DecisionResult, respond
from app.eventsourcing.decider import Decider, order_named
from schemas.envelopes import Event, payload_json

AT = "2026-11-24T06:00:00.000Z"


@dataclass
class Scenario:
    """One aggregate and what stands beside it for each order, as its events left them."""

    decider: Decider
    root: Any
    details: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    beside: Any = None
    """The aggregate of another type with which this one is decided."""

    def fold(self, event: Event) -> None:
        """Let an event have happened."""
        order_id = str(order_named(event))
        self.root = self.decider.evolve(self.root, event)
        self.details[order_id] = self.decider.evolve_detail(self.details.get(order_id), event)
        self.events.append(event)

    def when(self, command_type: str, expected_version: int | None = None, **payload: Any) -> "Outcome":  # noqa: ANN401 (any JSON)
        """Ask for something; the payload is given as on the wire. Nothing happens by it."""
        standing = CurrentState(len(self.events), self.root, self.beside or self.details.get(str(payload.get("orderId"))))
        return Outcome(respond(self.decider, CommandInput(command_type, payload, expected_version), standing, AT))

    def after(self, command_type: str, **payload: Any) -> Self:  # noqa: ANN401 (any JSON)
        """The same aggregate after what was asked for, if it was accepted."""
        for event in self.when(command_type, **payload).answer.events:
            self.fold(event)
        return self


@dataclass(frozen=True)
class Outcome:
    """What was answered."""

    answer: DecisionResult[Any, Any]

    def then(self, *events: Event) -> None:
        """It was accepted, and these events follow."""
        assert self.answer.refusal is None
        assert self.answer.events == events

    def refused(self, code: str, state: str | None = None) -> None:
        """It was refused for this reason, and nothing follows."""
        assert self.answer.refusal is not None
        assert (self.answer.refusal.code, self.answer.refusal.state) == (code, state)
        assert self.answer.events == ()

    @property
    def brief(self) -> str:
        """The event types, or the refusal's code and state."""
        refusal = self.answer.refusal
        if refusal is None:
            return " ".join(type(event).__name__ for event in self.answer.events)
        return " ".join(filter(None, (refusal.code, refusal.state)))

    @property
    def json(self) -> list[bytes]:
        """What would be written to the log."""
        return [payload_json(event) for event in self.answer.events]


def given(decider: Decider, *events: Event) -> Scenario:
    """An aggregate to which this has happened."""
    scenario = Scenario(decider, decider.initial)
    for event in events:
        scenario.fold(event)
    return scenario
