"""Workers share the partitions, and keep theirs while each is restarted in turn."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.verify.run import audit
from tests.conftest import RunningKafka
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results, opened
from tests.support.workers.traffic import identities, traffic
from tests.support.workers.worker import Worker

PARTITIONS = 8
RESTART_S = "60"
"""Session timeout long enough to restart a worker on a slow machine (seconds)."""


@pytest.fixture
async def wide(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield an environment with partitions for several workers."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=PARTITIONS)) as fresh:
        yield fresh


async def shared_by(workers: list[Worker]) -> None:
    """Return once all workers have equally many partitions, and each partition one worker."""
    share, everything = PARTITIONS // len(workers), set(range(PARTITIONS))

    def shared() -> bool:
        owned = [worker.owned for worker in workers]
        return {len(each) for each in owned} == {share} and set().union(*owned) == everything

    await until(shared, within_s=200)


@pytest.mark.long
async def test_1_2_and_4_workers_have_the_same_number_of_partitions_each(wide: Environment) -> None:
    workers: list[Worker] = []
    for count in (1, 2, 4):
        workers += [wide.worker(f"worker-{number}") for number in range(len(workers), count)]
        await shared_by(workers)


async def restarted_in_turn(wide: Environment, ids: Sequence[str], count: int) -> None:
    """Restart workers with these ids (an empty one is none) one after the other, each after some of the commands are answered."""
    commands = traffic(count)
    workers = [wide.worker(f"worker-{number}", worker_id=worker_id, session_timeout_s=RESTART_S) for number, worker_id in enumerate(ids)]
    async with Results(wide.settings) as results, asyncio.TaskGroup() as background:
        await shared_by(workers)
        before = {worker: (len(worker.assignments), worker.owned) for worker in workers}
        trickle = background.create_task(wide.send_paced(commands, results, chunk=50))
        for number, worker in enumerate(workers):
            await results.number(100 + count // 6 * number)
            worker.signal(signal.SIGTERM)
            assert await worker.exit_code(within_s=60) == 0
            generations = len(worker.assignments)
            worker.start()
            await until(lambda worker=worker, generations=generations: len(worker.assignments) > generations, within_s=200)  # type: ignore[misc]  # of this turn
        await trickle

    for worker, (generations, partitions) in before.items():
        assert set(worker.assignments[generations:]) == {partitions}, f"{worker.name} had other partitions meanwhile"
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(wide.settings) == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_rolling_restart_under_load_moves_no_partition_and_loses_nothing(wide: Environment) -> None:
    await restarted_in_turn(wide, [f"worker-{number}" for number in range(4)], 6_000)


@pytest.mark.long
@pytest.mark.control
@pytest.mark.timeout(600)
async def test_a_rolling_restart_of_workers_without_ids_is_found_to_move_partitions(wide: Environment) -> None:
    """Each of four workers could get its own partition back by chance, as a new member: once in 256 times."""
    with pytest.raises(AssertionError, match="had other partitions meanwhile"):
        await restarted_in_turn(wide, [""] * 4, 1_200)
