"""Whether each event of a saga follows from something: an operator's command, which was answered, or something that the saga heard."""

import sys
from collections.abc import Iterator

from app.eventsourcing.decider import Decider
from app.eventsourcing.ids import event_id
from app.verify.findings import Fault, Kind
from app.verify.reading import records as wire
from app.verify.write_side.decisions import Caused, Causes
from app.verify.write_side.results import Answers
from schemas.envelopes import Event


class SagaCauses(Causes):
    """As of any events; but a saga is not decided again, for what it heard was told to it by others, and is deleted in time."""

    def __init__(self, decider: Decider, answers: Answers) -> None:
        super().__init__(decider, answers, "", sys.maxsize)

    def place(self, event: wire.Event, payload: Event, follows: int) -> int:
        """Of what a saga hears several events may follow, one after the other."""
        del event, payload
        return follows

    def faults(self, caused: Caused) -> Iterator[Fault]:
        """What does not follow from anything."""
        event = caused.event
        cause, ids = event.metadata.causation_id, range(caused.place + 1)
        if event.event_id in {event_id("Saga", event.aggregate_id, cause, place) for place in ids}:
            yield from super().faults(caused)
        elif self.is_strange(derived=event.event_id in {event_id("Saga", event.aggregate_id, f"{cause}/{event.version - 1 - place}", place) for place in ids}):
            yield Kind.WRONG_EVENT_ID, f"the event id {event.event_id} does not follow from {cause}, which it names as its cause"
