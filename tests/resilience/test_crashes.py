"""Kills of workers and of the broker at any moment: the log shows no trace of them."""

import asyncio
import signal
from pathlib import Path

import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from app.verify.run import audit
from tests.conftest import FreePort
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import identities, traffic

COMMANDS = 20_000


@pytest.mark.timeout(600)
async def test_a_killed_worker_and_one_stopped_past_its_session_leave_no_trace_in_the_log(environment: Environment) -> None:
    commands = traffic(COMMANDS)
    killed, stopped = environment.worker("killed"), environment.worker("stopped")

    async with Results(environment.settings) as results, asyncio.TaskGroup() as background:
        supervised = [background.create_task(worker.supervise()) for worker in (killed, stopped)]
        sent = [background.create_task(environment.send(commands[:14_000]))]
        await results.number(5_000)
        killed.signal(signal.SIGKILL)
        await results.number(9_000)
        stopped.signal(signal.SIGSTOP)
        await results.number(14_000)
        sent.append(background.create_task(environment.send(commands[14_000:])))
        stopped.signal(signal.SIGCONT)
        await results.number(COMMANDS)
        for each in supervised:
            each.cancel()

    assert sum(each.result() for each in sent) == len(results.all)
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert killed.starts > 1
    assert await audit(environment.settings) == []


@pytest.mark.timeout(600)
async def test_a_worker_outlives_a_crash_of_the_broker_and_answers_everything_once(free_port: FreePort, tmp_path: Path) -> None:
    commands = traffic(5_000)
    broker = EmbeddedKafka(tmp_path / "broker", free_port())
    environment = Environment(broker.bootstrap, tmp_path)

    try:
        await asyncio.to_thread(broker.start)
        await environment.create_topics()
        worker = environment.worker("worker")
        async with Results(environment.settings) as results:
            await environment.send(commands[:3_000])
            await results.number(1_000)
            broker.kill()
            await asyncio.to_thread(broker.start)
            await environment.send(commands[3_000:])
            await results.number(len(commands))

        assert (worker.ended, worker.starts) == (False, 1)
        assert results.firsts() == dict.fromkeys(identities(commands), 1)
        assert await audit(environment.settings) == []
    finally:
        environment.close()
        broker.stop()
