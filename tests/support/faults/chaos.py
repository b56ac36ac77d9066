"""Chaos under load, followed by verify: `python -m tests.support.faults.chaos --seed 7 --minutes 10`."""

import argparse
import asyncio
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.support.faults.commands import Commands
from tests.support.faults.shoppers import Shoppers
from tests.support.faults.stage import Stage, staged
from tests.support.faults.steps import Damage, Step, schedule
from tests.support.workers.environment import Results
from tests.support.workers.given_up import given_up

DOSE = {
    Step.KILL: 4,
    Step.END: 2,
    Step.PAUSE: 2,
    Step.RESTART: 1,
    Step.CUT: 2,
    Step.FREEZE: 1,
    Step.REQUESTS: 4,
    Step.RETENTION: 2,
    Step.CLOCK: 2,
    Step.TRANSACTION: 2,
    Step.GARBAGE: 2,
    Step.SUSPEND: 1,
    Step.IMPOSTOR: 2,
}
"""Least that a run does: every step of it happens before the minutes count."""

AHEAD = 1_500
"""Number of commands that wait for their results, so that no fault ever strikes an idle worker."""

SHIFTED = ("-m", "tests.support.workers.shifted")
"""Command of a complete worker, whose sagas follow the orders."""

_SHOWN = 20
"""Number of findings that are printed; more would not help."""


@dataclass(frozen=True)
class Plan:
    """Plan of a run. The seed decides the commands, the order of the steps and their victims; the machine's speed decides the times."""

    seed: int
    commands: int
    """Number of commands, spread evenly over the steps of the least run."""
    minutes: float = 0
    """Minimum duration: after the least run, steps follow until this time has passed (minutes)."""
    dose: Mapping[Step, int] = field(default_factory=lambda: DOSE)
    program: tuple[str, ...] = SHIFTED
    """Arguments of Python that start a worker."""

    @property
    def steps(self) -> int:
        """Number of steps of the least run."""
        return sum(self.dose.values())


@dataclass
class Outcome:
    """Outcome of a run: the damage done, and the findings of verify."""

    seed: int
    commands: int
    orders: int
    """Number of orders placed over HTTP."""
    damage: Damage
    own_exits: list[str]
    findings: list[str]

    def __str__(self) -> str:
        steps = ", ".join(f"{count} x {step}" for step, count in sorted(self.damage.done.items()))
        counted = f"{self.commands} commands, {self.orders} orders by HTTP, {self.damage.struck} requests lost or late; {steps}"
        found = "; ".join([f"{len(self.findings)} findings", *self.findings[:_SHOWN]]) if self.findings else "nothing"
        return f"seed {self.seed}: {counted}, {len(self.own_exits)} exits of workers themselves; audit: {found}"


class Chaos:
    """One run."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._plan = plan
        self._stage = stage
        self._luck = random.Random(plan.seed)  # noqa: S311 (each run with one seed must be the same)
        self._commands = Commands(plan.seed)
        self._damage = Damage(stage, self._luck)
        self._began_s = time.monotonic()

    async def run(self) -> Outcome:
        """Break and load until the plan is done, or results stop coming. Then wait for every result and run verify."""
        settings = self._stage.environment.settings
        async with Results(settings, wanted=self._commands.sent) as results, Shoppers(self._stage) as shoppers:
            findings = await self._break(results, shoppers)
            findings += await shoppers.findings(settings)
            findings += await self._commands.findings(self._stage.environment, results)
            findings += await given_up(settings)
        own_exits = [why for each in self._stage.workers for why in each.own_exits]
        return Outcome(self._plan.seed, self._commands.taken, shoppers.orders, self._damage, own_exits, findings)

    async def _break(self, results: Results, shoppers: Shoppers) -> list[str]:
        """Run all steps. Return a finding if a step never ended."""
        for number, step in enumerate(schedule(self._luck, self._plan.dose), 1):
            if number > self._plan.steps and self._minutes >= self._plan.minutes:
                break
            try:
                await self._strike(step, results, shoppers)
            except TimeoutError:
                return [f"nothing moved any more in step {number}: {step}"]
            _say(f"{self._minutes:5.1f} min, step {number}: {step}; {self._commands.taken} sent, {len(results.all)} answered")
        return []

    async def _strike(self, step: Step, results: Results, shoppers: Shoppers) -> None:
        """Run one step in the middle of its share of the commands."""
        share = -(-self._plan.commands // self._plan.steps)
        strikes_at = len(results.all) + int(share * self._luck.uniform(0.1, 0.5))
        flow = self._stage.environment.flow(islice(self._commands, share), results, AHEAD, self._commands.taken)
        flowing = asyncio.create_task(flow)
        try:
            if step is Step.RETENTION:
                await self._rest(flowing, results, shoppers)
            await results.number(strikes_at)
            await self._damage.do(step)
            await flowing
        finally:
            flowing.cancel()
            self._damage.deliver()
            shoppers.shop()

    async def _rest(self, flowing: "asyncio.Task[None]", results: Results, shoppers: Shoppers) -> None:
        """Return once all commands sent are processed, because retention deletes nothing younger than a week."""
        await flowing
        await shoppers.rest()
        await results.number(self._commands.taken)
        await self._stage.environment.caught_up()

    @property
    def _minutes(self) -> float:
        return (time.monotonic() - self._began_s) / 60


async def make(plan: Plan, directory: Path) -> Outcome:
    """Run a plan, with all files in `directory`."""
    async with staged(directory, plan.program) as stage:
        return await Chaos(plan, stage).run()


def main() -> int:
    """Return 0 if verify found nothing and every command has exactly one first result."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.faults.chaos", description="Workers, broker and connections break under load.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--minutes", type=float, default=0, help="go on for so long; by default the least there is")
    parser.add_argument("--commands", type=int, default=60_000)
    plan = Plan(**vars(parser.parse_args()))
    _say(f"seed {plan.seed}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # processes that were started are stopped then, too
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # this process's own clients meet the broker's end, too
    directory = Path(tempfile.mkdtemp(prefix="chaos-"))
    outcome = asyncio.run(make(plan, directory))
    for why in outcome.own_exits:
        _say(why)
    _say(str(outcome))
    if outcome.findings:
        _say(f"the logs of the workers and of the broker are in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a program)


if __name__ == "__main__":
    sys.exit(main())
