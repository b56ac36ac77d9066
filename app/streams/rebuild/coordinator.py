"""Coordinator of the builds of one view: those that operators request and those that new code needs, one read model after the other."""

import asyncio
import logging
from typing import Literal, NamedTuple

from aiokafka.errors import KafkaError

from app.streams.errors import DataLossDetected, UnknownOutcome, UnreadableLog
from app.streams.projections.generations import BuildInProgress, Generations
from app.streams.rebuild.build import BuildStopped, ReadModelBuild
from app.streams.rebuild.switch import BuildRejected, LiveView
from app.streams.state.positions import positions
from app.streams.topology import Subscription

log = logging.getLogger(__name__)

RETRY_S = 0.5

BuildAction = Literal["rebuild", "rollback", "pause"]
"""Action that an operator requests."""


class BuildStatus(NamedTuple):
    """Generations of a read model in a partition, whether the live one is served, and how many events of how many the build contains."""

    generations: Generations
    shown: bool
    done: int
    total: int


class BuildCoordinator:
    """Coordinator of one incarnation of a view."""

    def __init__(self, live: LiveView) -> None:
        self._live = live
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Run builds forever. Raise StateStoreError, and UnknownOutcome of records for other views or operators: the view has to be restarted."""
        while True:
            agent = next((model.agent for model in self._live.view.models if self._live.rows.of(model.agent).active), None)
            if agent is not None:
                await self._life(agent)
            else:
                await self._wanted.wait()
                self._wanted.clear()

    async def ask(self, agent: str, wish: BuildAction, rebuild: str) -> BuildStatus:
        """Start, resume or pause a build, and return its progress. `rebuild` is the id of the request.

        A request joins the build in progress, unless that has a fault; with the id of the last finished build it changes nothing.
        Raise BuildInProgress if the build in progress is of the other kind, NothingToRollBackTo if this code has no previous rows.
        """
        async with self._live.turn:
            before = self._live.rows.of(agent)
            after = _asked(before, wish, rebuild, self._live.rows.fingerprint(agent))
            if after != before:
                self._live.rows.change(agent, after)
                self._live.rows.keep()
            self._wanted.set()
        return self.built(agent)

    def built(self, agent: str) -> BuildStatus:
        """Return the progress of a build."""
        state, model = self._live.rows.of(agent), next(model for model in self._live.view.models if model.agent == agent)
        followers = [Subscription(agent, topic) for topic in model.events]
        total = sum(self._live.folding.at(follower).offset_next for follower in followers)
        if state.build is None:
            return BuildStatus(state, agent not in self._live.rows.unshown, total, total)
        store = self._live.rows.built(agent, state.build.generation.number)
        found = [positions.committed(store, follower.row) for follower in followers]
        return BuildStatus(state, agent not in self._live.rows.unshown, sum(position.offset_next for position in found if position), total)

    async def _life(self, agent: str) -> None:
        build = self._live.rows.of(agent).build
        try:
            await ReadModelBuild(self._live, agent).run()
        except BuildStopped:
            log.info("%s: the rows of table %s are built no further for the moment", self._live.name, agent)
        except UnknownOutcome:
            raise
        except (BuildRejected, DataLossDetected, UnreadableLog) as error:
            log.warning("%s: the rows of table %s cannot be built: %s", self._live.name, agent, error)
            async with self._live.turn:
                if self._live.rows.of(agent).build == build:
                    self._live.rows.change(agent, self._live.rows.of(agent).faulted(str(error)))
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("%s: the build of table %s begins again from what is on disk: %r", self._live.name, agent, error)
            await asyncio.sleep(RETRY_S)


def _asked(before: Generations, wish: BuildAction, rebuild: str, fingerprint: str) -> Generations:
    if wish == "pause":
        return before.paused(paused=True)
    build = before.build
    if build is not None and (not build.fault or build.rebuild == rebuild):
        if build.back != (wish == "rollback"):
            raise BuildInProgress(f"a {'roll-back' if build.back else 'rebuild'} is under way, or paused: let it come to its end first")
        return before.paused(paused=False)
    if before.last is not None and before.last.rebuild == rebuild:
        return before
    return before.rebuilt(rebuild, fingerprint) if wish == "rebuild" else before.rolled_back(rebuild, fingerprint)
