"""Flow of records: each is processed exactly once while partitions move, transactions are refused, and input disappears under a worker."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from app.streams.kafka.partitioner import partition_of
from app.verify.run import audit
from tests.conftest import FreePort
from tests.resilience.faults.test_unfetched import says
from tests.support.http.client import LONG_S, Client
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import identities, order, traffic


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_commands_that_trickle_in_while_workers_come_and_go_are_all_answered(environment: Environment) -> None:
    commands = traffic(1_500)
    async with Results(environment.settings) as results, asyncio.TaskGroup() as background:
        environment.worker("stays")
        trickle = background.create_task(environment.send_paced(commands, results))
        for turn, goodbye in enumerate([signal.SIGTERM, signal.SIGKILL, signal.SIGTERM]):
            await results.number(20 + 400 * turn)
            guest = environment.worker(f"guest-{turn}")
            await until(lambda guest=guest: "is open" in guest.said, within_s=200)  # type: ignore[misc]  # lambda of this turn
            guest.signal(goodbye)
        await trickle

    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_partition_that_went_to_another_worker_and_comes_back_flows_again(small_environment: Environment) -> None:
    commands = traffic(15_000)
    async with Results(small_environment.settings) as results:
        await small_environment.send(commands)
        small_environment.worker("stays")
        await results.number(100)
        guest = small_environment.worker("guest")
        await until(lambda: "is open" in guest.said, within_s=200)
        guest.signal(signal.SIGKILL)
        await results.number(len(commands))
        more = traffic(15_200)[15_000:]
        await small_environment.send(more)
        await results.number(len(commands) + len(more))

    assert results.firsts() == dict.fromkeys(identities(commands + more), 1)
    assert await audit(small_environment.settings) == []


@pytest.mark.long
async def test_what_the_broker_refuses_is_parked_and_what_came_with_it_is_answered(one_partition: Environment) -> None:
    await one_partition.configure("events.order", max_message_bytes="3000")
    async with Results(one_partition.settings) as results:
        one_partition.worker("worker")
        await one_partition.send([order("first")])
        await results.number(1)

        await one_partition.send([order("before"), order("large", 200), order("after")])
        await results.number(4)

    answers = {result["aggregateId"]: result["outcome"] for result in results.all}
    assert answers == {"first": "accepted", "before": "accepted", "large": "parked", "after": "accepted"}
    assert await audit(one_partition.settings) == []


async def test_input_that_is_deleted_under_a_suspended_worker_stops_its_partition_with_the_count(small_environment: Environment) -> None:
    elsewhere = next(name for name in (f"e-{number}" for number in range(100)) if partition_of(name.encode(), 2) == 1)
    names = [name for name in (f"o-{number}" for number in range(100)) if partition_of(name.encode(), 2) == 0]
    async with Results(small_environment.settings) as results:
        worker = small_environment.worker("worker", session_timeout_s=LONG_S)
        await small_environment.send([order(name) for name in names[:10]])
        await results.number(10)
        worker.signal(signal.SIGSTOP)
        await small_environment.send([order(names[10])])  # answers the fetch that was under way, if any
        await small_environment.send([order(name) for name in names[11:21]])
        await small_environment.delete_before("commands.order", 0, 21)

        worker.signal(signal.SIGCONT)
        async with aiohttp.ClientSession() as session:
            client = Client(session, worker)
            ready = await says(client, 503, r"partition 0 \(stopped: up to 1[01] records of .*--accept-loss")
            alive = await client.get("/healthz")
        await small_environment.send([order(elsewhere)])
        await until(lambda: elsewhere in {result["aggregateId"] for result in results.all}, within_s=100)

    assert (ready.body["code"], alive.status) == ("not-ready", 200)
    assert "task 0 stays closed" in worker.said
    assert {result["aggregateId"] for result in results.all}.isdisjoint(names[11:])


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_senders_may_compress_as_they_like(one_partition: Environment, codec: str) -> None:
    await one_partition.configure("commands.order", compression_type=codec)
    async with Results(one_partition.settings) as results:
        one_partition.worker("worker")
        await one_partition.send([order("first")])
        await results.number(1)

    assert results.all[0]["outcome"] == "accepted"


@pytest.mark.long
async def test_the_groups_lag_is_0_once_all_is_read_also_behind_commit_markers(one_partition: Environment) -> None:
    async with Results(one_partition.settings) as results:
        one_partition.worker("worker")
        await one_partition.send([order("first"), order("second")], transactional_id="sender")
        await results.number(2)

        async with asyncio.timeout(30):
            while await one_partition.lag("commands.order") != 0:  # noqa: ASYNC110 (the broker is asked)
                await asyncio.sleep(0.1)


@pytest.mark.long
async def test_sigterm_ends_a_worker_while_its_broker_is_gone(free_port: FreePort, tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "broker", free_port())
    environment = Environment(broker.bootstrap, tmp_path, partitions=1)
    try:
        await asyncio.to_thread(broker.start)
        await environment.create_topics()
        worker = environment.worker("worker")
        async with Results(environment.settings) as results:
            await environment.send([order("first")])
            await results.number(1)
        broker.kill()

        worker.signal(signal.SIGTERM)

        assert await worker.exit_code(within_s=60) == 0
    finally:
        environment.close()
        broker.stop()
