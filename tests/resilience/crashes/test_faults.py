"""Faults around a worker: each is reported, and nothing is lost or doubled by it."""

import asyncio
import random
import re
import signal
from collections.abc import Iterator

import pytest

from app.client.results import Json
from app.topics.contract import AGGREGATES
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import identities, order, traffic
from tests.support.workers.worker import Worker

pytestmark = pytest.mark.timeout(300)

FULL_DISK = ("-m", "tests.support.workers.full_disk")
NEWER = ("-m", "tests.support.workers.newer")


def large_and_parked(count: int) -> Iterator[Json]:
    """Yield commands of about 8 kB that do not compress, of a type that does not exist. The task's rows keep them whole."""
    luck = random.Random(1)  # noqa: S311 (the same each time is what is wanted)
    for number in range(count):
        yield {**order(f"mislaid-{number}"), "commandType": "Mislay", "payload": {"what": luck.randbytes(4_000).hex()}}


async def test_a_worker_whose_disk_is_full_says_so_and_one_with_room_goes_on(environment: Environment) -> None:
    commands = [*large_and_parked(300), *(order(f"o-{number}") for number in range(50))]
    async with Results(environment.settings) as results:
        full = environment.worker("full", program=FULL_DISK)
        await environment.send(commands[:200])
        await results.number(200, within_s=100)
        await environment.send(commands[200:300])  # memory is written to disk when more arrives
        await until(lambda: re.search("task 0 is taken over again in place, .*StateStoreError: IO error", full.said) is not None, within_s=100)
        await environment.send(commands[300:])
        full.destroy()

        environment.worker("roomy", datadir=str(full.datadir))
        await results.number(len(commands), within_s=100)
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


@pytest.mark.parametrize("to", ["beginning", "end"])
async def test_offsets_that_were_reset_under_an_empty_group_are_not_used(environment: Environment, to: str) -> None:
    commands = traffic(400)
    async with Results(environment.settings) as results:
        worker = environment.worker("worker")
        for begin in (0, 100):  # the second time, the position shows the group offset of the first
            await environment.send(commands[begin : begin + 100])
            await results.number(begin + 100)
            await told(environment)
        worker.signal(signal.SIGTERM)
        assert await worker.exit_code(within_s=60) == 0
        await environment.left()
        await environment.send(commands[200:])
        await environment.reset_group(to)

        worker.start()
        await results.number(len(commands))
    assert ("was reset or expired" in worker.said) == (to == "beginning"), "the end is where a group may be"
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert len(results.all) == len(commands)
    assert await audit(environment.settings) == []


async def told(environment: Environment) -> None:
    """Return once the group's offsets show that all commands are processed."""
    async with asyncio.timeout(60):
        while any([await environment.lag(f"commands.{kind}") for kind in AGGREGATES]):  # noqa: ASYNC110 (the broker is asked)
            await asyncio.sleep(0.1)


async def changed_in_turn(environment: Environment, newer: tuple[str, ...]) -> None:
    """Run workers of two versions in turn, and for a while together. Each continues from what the other left."""
    commands = traffic(800)
    async with Results(environment.settings) as results:
        await environment.send(commands[:200])
        old = environment.worker("old")
        await results.number(200, within_s=100)
        new = environment.worker("new", program=newer)
        await opens_another(new, 0)
        await environment.send(commands[200:400])
        await results.number(400, within_s=100)
        old.signal(signal.SIGKILL)
        await environment.send(commands[400:600])
        await results.number(600, within_s=100)
        old.destroy()
        before = tasks_opened(old)
        old.start()
        await opens_another(old, before)
        new.signal(signal.SIGTERM)
        await environment.send(commands[600:])
        await results.number(800, within_s=100)
    assert [result for result in results.all if result["outcome"] == "parked"] == []
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


def tasks_opened(worker: Worker) -> int:
    """Return how many tasks the worker ever opened."""
    return len(re.findall(r"task \d+ is open", worker.said))


async def opens_another(worker: Worker, before: int) -> None:
    """Return once the worker has opened one more task."""
    await until(lambda: tasks_opened(worker) > before, within_s=100)


async def test_workers_of_two_versions_whose_rows_differ_may_alternate(shared_environment: Environment) -> None:
    await changed_in_turn(shared_environment, NEWER)


@pytest.mark.control
async def test_rows_of_another_version_that_are_not_told_apart_are_found(shared_environment: Environment) -> None:
    with pytest.raises(AssertionError):
        await changed_in_turn(shared_environment, (*NEWER, "unsigned"))
