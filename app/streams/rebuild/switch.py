"""The switch from one generation of a read model's rows to another, in one write, where both are at the same position."""

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
    """The rows of a build cannot go live."""


class LiveView(NamedTuple):
    """The open view beside which the build runs."""

    name: str
    view: ReadTopology
    partition: int
    folding: Projector
    rows: GenerationStore
    outlet: ViewOutbox
    skips: Skips
    turn: asyncio.Lock
    """Lock held during each unit of work."""
    renew: Callable[[], None]
    """Called after a switch: the unit of work and the parked records start again with the new rows."""

    @property
    def parked_topic(self) -> str:
        """Name of the topic `parked` on the broker."""
        return self.view.write.settings.topic("parked")


async def switch(live: LiveView, agent: str, digests: Digests | None) -> None:
    """Make the rows of the build live, at the view's position, and keep the former ones. The caller holds the turn.

    Raise BuildRejected if a read would go back.
    """
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
    """Return records for the topic `parked`: those parked in the new rows, and releases of those that no longer are.

    Raise BuildRejected if an event is parked here that the live rows contain.
    """
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
    """Return the changes by which the model continues at the view's positions."""
    followers = [follower for follower in live.view.followers() if follower.agent == agent]
    return [(positions.prefix + follower.row.encode(), positions.encode(live.folding.at(follower))) for follower in followers]


def _compared(digests: Digests | None) -> tuple[int, str]:
    if digests is None:
        return logging.INFO, ""
    if digests[0] == digests[1]:
        return logging.INFO, ", the same rows byte by byte"
    return logging.WARNING, ", OTHER rows than before: those were not what the log says"
