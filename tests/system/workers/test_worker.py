"""Worker as its supervisor sees it: how it exits, and when it refuses to start because another one runs."""

import asyncio
import signal

import pytest

from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import identities, traffic
from tests.support.workers.worker import PROGRAM, without

LATE_THREAD = ("-m", "tests.support.workers.late_thread")


async def test_sigterm_in_the_middle_of_work_ends_a_worker_cleanly(environment: Environment) -> None:
    worker = environment.worker("worker")
    async with Results(environment.settings) as results:
        await environment.send(traffic(5_000))
        await results.number(1)

    worker.signal(signal.SIGTERM)

    assert await worker.exit_code(within_s=60) == 0
    assert await audit(environment.settings) == []


@pytest.mark.long
async def test_sigterm_before_the_consumers_thread_answers_ends_a_worker(environment: Environment) -> None:
    worker = environment.worker("worker", program=LATE_THREAD)
    await until(lambda: worker.serves, within_s=60)

    worker.signal(signal.SIGTERM)

    assert await worker.exit_code(within_s=60) == 0


async def test_a_rebalance_while_a_worker_ends_opens_no_task(environment: Environment) -> None:
    worker = environment.worker("worker", program=("-m", "tests.support.workers.late_rebalance"))
    await until(lambda: "is open" in worker.said, within_s=60)

    worker.signal(signal.SIGTERM)

    assert await worker.exit_code(within_s=60) == 0
    assert "0 tasks after the end" in worker.said


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_workers_that_join_and_leave_in_the_middle_of_work_leave_no_trace_in_the_log(environment: Environment) -> None:
    commands = traffic(12_000)
    async with Results(environment.settings) as results, asyncio.TaskGroup() as background:
        environment.worker("first")
        sending = background.create_task(environment.send(commands))
        await results.number(1_000)
        second = environment.worker("second", worker_id="second")
        await until(lambda: bool(second.owned), within_s=100)
        await results.number(4_000)
        second.signal(signal.SIGTERM)
        assert await second.exit_code(within_s=60) == 0
        second.start()
        third = environment.worker("third")
        await results.number(8_000)
        third.signal(signal.SIGTERM)
        await results.number(len(commands))

    assert sending.result() == len(results.all)
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


@pytest.mark.long
async def test_of_two_workers_with_one_id_one_survives_and_the_other_names_the_id(environment: Environment) -> None:
    async with Results(environment.settings) as results:
        workers = [environment.worker("first", worker_id="the-one")]
        await environment.send(traffic(1))
        await results.number(1)

        workers.append(environment.worker("second", worker_id="the-one"))
        await until(lambda: any(worker.ended for worker in workers), within_s=60)
        await environment.send(traffic(200))
        await results.number(201)

    [ended] = [worker for worker in workers if worker.ended]
    assert await ended.exit_code(within_s=0) != 0
    assert "FOLDSTREAM_WORKER_ID=the-one" in ended.said


async def second_in_one_directory(environment: Environment, program: tuple[str, ...] = PROGRAM) -> None:
    """Start a second worker on the data directory of the first. It must refuse."""
    async with Results(environment.settings) as results:
        first = environment.worker("first")
        await environment.send(traffic(1))
        await results.number(1)

        second = environment.worker("second", datadir=str(first.datadir), program=program)
        await until(lambda: second.ended or second.serves, within_s=60)

        assert second.ended
        assert await second.exit_code(within_s=0) == 1
        assert f"another worker uses {first.datadir}" in second.said
        assert not first.ended


async def test_a_second_worker_refuses_the_data_directory_of_the_first(environment: Environment) -> None:
    await second_in_one_directory(environment)


@pytest.mark.long
@pytest.mark.control
async def test_a_second_worker_in_a_directory_that_nobody_locks_is_found(environment: Environment) -> None:
    with pytest.raises(AssertionError):
        await second_in_one_directory(environment, without("directory-lock"))
