"""Given, when, then for deciders, without a broker: given events, when a command arrives, then events or a refusal."""

from dataclasses import dataclass, field
from typing import Any, Self

from app.eventsourcing.decide import CommandInput, CurrentState, DecisionResult, respond
from app.eventsourcing.decider import Decider, order_named
from schemas.envelopes import Event, payload_json

AT = "2026-11-24T06:00:00.000Z"


@dataclass
class Scenario:
    """State of one aggregate and of its details, one for each order, as past events left them."""

    decider: Decider
    root: Any
    details: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    beside: Any = None
    """State of the other aggregate that takes part in this one's decisions."""

    def fold(self, event: Event) -> None:
        """Apply an event as if it had happened."""
        order_id = str(order_named(event))
        self.root = self.decider.evolve(self.root, event)
        self.details[order_id] = self.decider.evolve_detail(self.details.get(order_id), event)
        self.events.append(event)

    def when(self, command_type: str, expected_version: int | None = None, **payload: Any) -> "Outcome":  # noqa: ANN401 (any JSON)
        """Decide a command, whose payload is given as on the wire. The scenario does not change."""
        standing = CurrentState(len(self.events), self.root, self.beside or self.details.get(str(payload.get("orderId"))))
        return Outcome(respond(self.decider, CommandInput(command_type, payload, expected_version), standing, AT))

    def after(self, command_type: str, **payload: Any) -> Self:  # noqa: ANN401 (any JSON)
        """Decide a command and apply its events, if it is accepted. Return this scenario."""
        for event in self.when(command_type, **payload).answer.events:
            self.fold(event)
        return self


@dataclass(frozen=True)
class Outcome:
    """Result of one decision, with assertions about it."""

    answer: DecisionResult[Any, Any]

    def then(self, *events: Event) -> None:
        """Assert that the command was accepted with exactly these events."""
        assert self.answer.refusal is None
        assert self.answer.events == events

    def refused(self, code: str, state: str | None = None) -> None:
        """Assert that the command was refused with this code and state, and without events."""
        assert self.answer.refusal is not None
        assert (self.answer.refusal.code, self.answer.refusal.state) == (code, state)
        assert self.answer.events == ()

    @property
    def brief(self) -> str:
        """Event types of the result, or code and state of its refusal."""
        refusal = self.answer.refusal
        if refusal is None:
            return " ".join(type(event).__name__ for event in self.answer.events)
        return " ".join(filter(None, (refusal.code, refusal.state)))

    @property
    def json(self) -> list[bytes]:
        """Payloads as they would be written to the log."""
        return [payload_json(event) for event in self.answer.events]


def given(decider: Decider, *events: Event) -> Scenario:
    """Return a scenario in which these events have happened."""
    scenario = Scenario(decider, decider.initial)
    for event in events:
        scenario.fold(event)
    return scenario
