"""The switch from one generation of a read model's rows to another, in one write, where both are equally far."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from app.streams.kafka.skips import Skips
from app.streams.kafka.transactions import OutgoingRecord
from app.streams.parking.record import ParkedRecord, outcome, outgoing
from app.streams.projections.generation_store import GenerationStore
from app.streams.projections.generations import Build, Digests, Generations
from app.streams.projections.outbox import ViewOutbox
from app.streams.projections.projector import Projector
from app.streams.state.positions import positions
from app.streams.state.store import Change
from app.streams.topology import ReadTopology

log = logging.getLogger(__name__)


class BuildRejected(Exception):  # noqa: N818 (what it is)
    """The rows cannot be shown."""


class LiveView(NamedTuple):
    """The open view beside which is built."""

    name: str
    view: ReadTopology
    partition: int
    folding: Projector
    rows: GenerationStore
    outlet: ViewOutbox
    skips: Skips
    turn: asyncio.Lock
    """Held for each unit of work."""
    renew: Callable[[], None]
    """Called when other rows are shown: the unit of work and what is parked begin with them."""

    @property
    def parked_topic(self) -> str:
        """Its name on the broker."""
        return self.view.write.settings.topic("parked")


async def switch(live: LiveView, agent: str, digests: Digests | None) -> None:
    """The rows of the build are shown, as far as the live view is, and those that were are kept. BuildRejected when a read would go back; the turn is held."""
    state = live.rows.of(agent)
    assert state.build is not None, "it is done"
    await live.outlet.write(_words(live, agent, state, state.build))
    aside = live.rows.set_aside(agent, state.live.number) if state.live else []
    changes = [*aside, *live.rows.brought_in(agent, state.build.generation.number), *_positions(live, agent)]
    parked = len(live.rows.parked(agent, state.build.generation.number))
    live.rows.change(agent, state.switched(digests, parked), changes)
    live.rows.keep()
    live.renew()
    level, compared = _compared(digests)
    log.log(level, "%s: table %s shows generation %d%s", live.name, agent, state.build.generation.number, compared)


def _words(live: LiveView, agent: str, state: Generations, build: Build) -> list[OutgoingRecord]:
    """What is parked in these rows, and what no longer is. BuildRejected when events are parked here that the live rows have."""
    shown, mine = state.shows(build.generation.fingerprint), live.rows.parked(agent, build.generation.number)
    former = live.rows.parked(agent, None if shown else state.live.number) if state.live else {}
    worse = [row for key, row in mine.items() if key not in former]
    if shown and worse:
        raise BuildRejected(
            f"an event is parked in the new rows that the live ones have, {worse[0].topic} [{worse[0].partition}] {worse[0].offset}: {worse[0].error}"
        )
    gone = (row for key, row in former.items() if key not in mine)
    return [*(outgoing(live.parked_topic, row) for row in mine.values()), *_released(live, gone)]


def _released(live: LiveView, rows: Iterator[ParkedRecord]) -> Iterator[OutgoingRecord]:
    return (outcome(live.parked_topic, row, "released", "") for row in rows if live.outlet.waits(row.agent, row.topic, row.offset))


def _positions(live: LiveView, agent: str) -> list[Change]:
    """The model goes on where the view is."""
    followers = [follower for follower in live.view.followers() if follower.agent == agent]
    return [(positions.prefix + follower.row.encode(), positions.encode(live.folding.at(follower))) for follower in followers]


def _compared(digests: Digests | None) -> tuple[int, str]:
    if digests is None:
        return logging.INFO, ""
    if digests[0] == digests[1]:
        return logging.INFO, ", the same rows byte by byte"
    return logging.WARNING, ", OTHER rows than before: those were not what the log says"
