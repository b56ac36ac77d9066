"""Check that each event follows from its command. Verify decides the command again, on the state from the earlier events."""

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from app.eventsourcing.decide import CommandInput, CurrentState, respond
from app.eventsourcing.decider import Decider, order_named
from app.eventsourcing.ids import event_id
from app.verify.findings import Fault, FindingKind
from app.verify.reading import records as wire
from app.verify.write_side.results import First, ResultCheck, named
from schemas.envelopes import Event
from schemas.fields import MOST_MONEY
from schemas.order import OrderPlaced
from schemas.timestamp import rfc3339
from schemas.upcasters import upcasters


class EventInContext(NamedTuple):
    """Event of the log, with the state before it."""

    event: wire.Event
    payload: Event
    place: int
    """Index of the event in the decision of its command."""
    standing: CurrentState[Any, Any]
    sure: bool
    """True if everything that belongs to the event must be among the records that are read."""


class DecisionCheck:
    """Check of the events of one aggregate type in one partition, in their order, after all results of the partition.

    Retention deletes results and commands, but not events. So an event without a result is a finding only after an earlier event that has its
    result, and an event whose command is below the beginning of its topic is not decided again.
    """

    def __init__(self, decider: Decider, answers: ResultCheck, commands: str, begin: int) -> None:
        """Create the check. `commands` is the topic of the commands, `begin` its first offset."""
        self._decider = decider
        self._answers = answers
        self._commands = commands
        self._begin = begin
        self._results_begun = self._derived_begun = False
        self._decided: tuple[int, tuple[Event, ...]] = (-1, ())
        """Offset of the command that was decided last, and its events."""

    def faults(self, caused: EventInContext) -> Iterator[Fault]:
        """Yield the faults of an event that does not follow from its command."""
        event, order_id = caused.event, order_named(caused.payload)
        name, first = self._first(event, order_id)
        if self.is_strange(derived=event.event_id in _ids(event, order_id, caused.place)):
            yield FindingKind.WRONG_EVENT_ID, f"the event id {event.event_id} does not follow from its command {event.metadata.causation_id}"
        if first is None:
            yield from self._unanswered(caused)
        else:
            self._results_begun = True
            self._answers.firsts.see(name, first)
            yield from self._against(caused, first)

    def is_strange(self, *, derived: bool) -> bool:
        """Return True if an event's id is not derived as it must be.

        Imported events have ids of their own. They precede the first event with a derived id.
        """
        self._derived_begun |= derived
        return not derived and self._derived_begun

    def place(self, event: wire.Event, payload: Event, follows: int) -> int:
        """Return the index of an event in its decision.

        `follows` is its index if it was decided together with the event before it, which has the same cause. But a command may be executed
        again, and then its first event follows its own earlier one.
        """
        order_id = order_named(payload)
        return 0 if event.event_id in _ids(event, order_id, 0) and event.event_id not in _ids(event, order_id, follows) else follows

    def done_again(self, event: wire.Event, payload: Event, before: int) -> bool:
        """Return True if the event's command was executed before, at version `before`, and its id has left the dedup window since.

        Both events then have the same id.
        """
        firsts = [first for _, first in self._firsts(event, order_named(payload))]
        now, then = (next((first for first in firsts if first.leads_to(version)), None) for version in (event.version, before))
        return now is not then if now is not None else not self._complete

    @property
    def _complete(self) -> bool:
        """True if every event from here on must have its result."""
        return self._results_begun and not self._answers.cut

    def _firsts(self, event: wire.Event, order_id: str | None) -> Iterator[tuple[bytes, First]]:
        for order in dict.fromkeys([order_id or "", ""]):
            name = named(event.aggregate_type, event.aggregate_id, order, event.metadata.causation_id)
            yield from ((name, first) for first in self._answers.firsts.all_of(name))

    def _first(self, event: wire.Event, order_id: str | None) -> tuple[bytes, First | None]:
        """Return the first result that covers an event.

        If it is missing, return another one of the same command, unless the right one may have been deleted.
        """
        known = list(self._firsts(event, order_id))
        for name, first in known:
            if first.leads_to(event.version):
                return name, first
        later = all(first.version - first.events >= event.version for _, first in known)
        return (b"", None) if not known or (later and not self._complete) else known[-1]

    def _unanswered(self, caused: EventInContext) -> Iterator[Fault]:
        if caused.sure and self._results_begun:
            yield FindingKind.FORGED, f"no result tells of a command {caused.event.metadata.causation_id}, as there is for events before this one"

    def _against(self, caused: EventInContext, first: First) -> Iterator[Fault]:
        version = first.version - first.events + 1 + caused.place
        if not first.accepted:
            yield FindingKind.WRONG_RESULT, f"its command {caused.event.metadata.causation_id} was refused, says the result at offset {first.result}"
        elif caused.place >= first.events or caused.event.version != version:
            told = f"version {version - caused.place} and {first.events} events"
            yield FindingKind.WRONG_RESULT, f"the result of its command, at offset {first.result}, tells of {told}; this is version {caused.event.version}"
        elif first.command >= self._begin:
            yield from self._decide(caused, first)

    def _decide(self, caused: EventInContext, first: First) -> Iterator[Fault]:
        found = self._answers.accepted_command(self._commands, first.command)
        if found is None:
            yield FindingKind.FORGED, f"its command is not at {self._commands} {first.command}, where its result says"
            return
        at, command = rfc3339(found[0]), _read(found[1])
        if command is None or command.command_type not in self._decider.commands:
            yield FindingKind.FORGED, f"at {self._commands} {first.command} is no command that could have caused it"
        elif (command.command_id, command.aggregate_id) != (caused.event.metadata.causation_id, caused.event.aggregate_id):
            yield FindingKind.FORGED, f"at {self._commands} {first.command} is another command than its result says: {command.command_id}"
        elif _as_today(caused):
            yield from self._compare(caused, at, self._events(caused, first.command, command, at))

    def _events(self, caused: EventInContext, offset: int, command: wire.Command, at: str) -> tuple[Event, ...]:
        """Return the events that the command causes. It is decided at the first event of a decision; the others reuse the result."""
        if caused.place == 0 or self._decided[0] != offset:
            asked = CommandInput(command.command_type, command.payload, command.expected_version)
            self._decided = (offset, respond(self._decider, asked, caused.standing, at).events)
        return self._decided[1]

    def _compare(self, caused: EventInContext, at: str, decided: tuple[Event, ...]) -> Iterator[Fault]:
        wanted = decided[caused.place] if caused.place < len(decided) else None
        if wanted is None:
            yield FindingKind.FORGED, f"its command {caused.event.metadata.causation_id} causes {len(decided)} events here, and this is one more"
        elif type(wanted) is not type(caused.payload):
            yield FindingKind.FORGED, f"its command causes {type(wanted).__name__}, not {caused.event.event_type}"
        elif wanted != caused.payload:
            yield FindingKind.FORGED, f"its payload differs from what its command causes in {', '.join(_differing(wanted, caused.payload))}"
        elif caused.event.timestamp != at:
            yield FindingKind.FORGED, f"its timestamp is {caused.event.timestamp}, its command's {at}"


def _as_today(caused: EventInContext) -> bool:
    """Return False if earlier code may have decided otherwise: for an event of an earlier schema, and an order of more than can be paid."""
    if isinstance(caused.payload, OrderPlaced) and caused.payload.total_amount > MOST_MONEY:
        return False
    return caused.event.schema_version == upcasters.version(caused.event.event_type)


def _read(value: bytes) -> wire.Command | None:
    try:
        return wire.command(value)
    except wire.UNREADABLE:
        return None


def _ids(event: wire.Event, order_id: str | None, place: int) -> Iterator[str]:
    """Yield the possible ids of an event. An id may include the order, if the command named one."""
    for order in dict.fromkeys([order_id, None]):
        yield event_id(event.aggregate_type, event.aggregate_id, event.metadata.causation_id, place, order)


def _differing(wanted: Event, found: Event) -> list[str]:
    """Return the names of the fields that differ, never their values, which may be personal."""
    return [name for name in type(wanted).model_fields if getattr(wanted, name) != getattr(found, name)]


class SagaDecisionCheck(DecisionCheck):
    """Check of the saga's events. They are not decided again, because a saga's inputs come from other partitions and retention deletes them."""

    def __init__(self, decider: Decider, answers: ResultCheck) -> None:
        super().__init__(decider, answers, "", sys.maxsize)

    def place(self, event: wire.Event, payload: Event, follows: int) -> int:
        """Return `follows`: one input of a saga may cause several events."""
        del event, payload
        return follows

    def faults(self, caused: EventInContext) -> Iterator[Fault]:
        """Yield the faults of an event that follows neither from a command nor from another input."""
        event = caused.event
        cause, ids = event.metadata.causation_id, range(caused.place + 1)
        if event.event_id in {event_id("Saga", event.aggregate_id, cause, place) for place in ids}:
            yield from super().faults(caused)
        elif self.is_strange(derived=event.event_id in {event_id("Saga", event.aggregate_id, f"{cause}/{event.version - 1 - place}", place) for place in ids}):
            yield FindingKind.WRONG_EVENT_ID, f"the event id {event.event_id} does not follow from {cause}, which it names as its cause"
