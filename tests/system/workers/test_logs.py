"""Log of a worker as a log collector reads it."""

import json
from typing import Any

from aiokafka import AIOKafkaProducer

from app.streams.kafka.partitioner import partition_of
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.worker import Worker

FORGED = b"a key\n{}\r\x1b[2K"


async def test_with_json_every_line_is_an_object_and_a_parked_record_is_told_with_its_place_and_correlation(environment: Environment) -> None:
    worker = environment.worker("worker", log_format="json")
    partition = await _write_poison(environment)
    await until(lambda: "parked" in worker.said, within_s=60)
    await until(lambda: worker.opened >= {f"task {number}" for number in range(environment.settings.partitions)}, within_s=60)
    refused = environment.worker("refused", log_format="json", datadir=str(worker.datadir))
    await refused.exit_code(within_s=30)

    [parked] = [line for line in _lines(worker) if line.get("reason")]
    where = {"topic": environment.settings.topic("commands.order"), "partition": partition, "offset": 0}
    assert {name: parked[name] for name in where} == where
    assert (parked["task"], parked["reason"], parked["correlationId"], parked["level"]) == (partition, "undecodable", "the-correlation", "WARNING")
    assert {line["task"] for line in _lines(worker) if "is open" in line["message"]} == set(range(environment.settings.partitions))
    assert any("partitions" in line and "generation" in line for line in _lines(worker))
    assert [(line["level"], "another worker uses" in line["message"]) for line in _lines(refused)] == [("CRITICAL", True)]


async def _write_poison(environment: Environment) -> int:
    """Write a record that is no command, with a key that tries to forge log lines. Return its partition."""
    partition = partition_of(FORGED, environment.settings.partitions)
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap) as producer:
        headers = [("correlation-id", b"the-correlation")]
        await producer.send_and_wait(environment.settings.topic("commands.order"), b"no JSON", FORGED, partition, headers=headers)
    return partition


def _lines(worker: Worker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.said.splitlines()]
