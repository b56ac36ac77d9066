"""verify on long logs and on systems at work: bounded memory, no false findings, an end by Ctrl-C."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from app.errors import FoldstreamError
from app.settings import Settings
from app.verify.findings import FindingKind
from app.verify.run import audit
from app.verify.write_side import decisions as causes
from tests.conftest import RunningKafka
from tests.support.foldstream import ROOT
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.many import place_orders
from tests.support.workers.shop import customer, order, product, sagas
from tests.support.workers.traffic import identities, traffic
from tests.support.workers.worker import WHOLE, Worker, without
from tests.support.workers.written import intact, settled

PROGRAM = """
import re, sys
from pathlib import Path
from app.verify.reading import disk_map as scratch
from app.cli import verify
from app.cli.main import main
{change}
sys.argv = ["foldstream", "verify"]
try:
    main()
finally:
    print(*re.findall(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()))
"""
"""Program that runs a changed `foldstream verify`, then prints its peak memory as Linux reports it (KiB). getrusage would include the parent's."""

ALL_HELD = "scratch.HELD_BYTES = scratch.HELD_ROWS = 1 << 60"
ORDERS, MANY_ORDERS = 5_000, 30_000
ALLOWED_KIB = 80 << 10
"""Additional memory allowed for the longer log, until everything bounded is full: RocksDB's buffers, fetches, the cache of keys' partitions."""


def started(settings: Settings, change: str = "", **variables: str) -> "subprocess.Popen[str]":
    """Start the program, with its output as pipes."""
    chosen = settings.model_dump(mode="json", include={"broker", "topic_prefix", "app_id", "partitions"})
    environment = {f"FOLDSTREAM_{name.upper()}": str(value) for name, value in chosen.items()} | variables
    command = [sys.executable, "-c", PROGRAM.format(change=change)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def peak_kib(settings: Settings, change: str = "") -> int:
    """Return the peak memory of a verify without findings (KiB)."""
    with started(settings, change) as process:
        said, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, said
    return int(said.splitlines()[-1])


@pytest.mark.long
@pytest.mark.control
async def test_an_order_of_more_than_can_be_paid_is_found_only_where_todays_bound_is_held_against_earlier_code(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.worker("earlier", program=without("bound", *WHOLE[1:]))
    placed = order("o-1", "p-1")
    placed["payload"]["items"][0]["price"] = 10**12
    placed["payload"]["items"] *= 2
    async with sagas(environment) as found:
        await environment.send([customer("c-1"), *product("p-1"), placed])
        await found.last({"o-1": "SagaFailed"})

    assert await audit(environment.settings) == []

    monkeypatch.setattr(causes, "_as_today", lambda _: True)
    assert [line.partition(":")[0] for line in await audit(environment.settings)] == [FindingKind.FORGED]


@pytest.mark.long
@pytest.mark.control
@pytest.mark.timeout(400)
async def test_the_audit_of_a_log_six_times_as_long_takes_little_more_memory_and_much_more_without_its_disk(kafka: RunningKafka, tmp_path: Path) -> None:
    short, long = (Environment(kafka.bootstrap, tmp_path, partitions=1) for _ in range(2))
    for environment, orders in ((short, ORDERS), (long, MANY_ORDERS)):
        await environment.create_topics()
        await place_orders(environment.settings, orders)

    at_first = await peak_kib(short.settings)

    assert await peak_kib(long.settings) < at_first + ALLOWED_KIB
    assert await peak_kib(long.settings, ALL_HELD) > at_first + ALLOWED_KIB


async def killed(worker: Worker, results: Results) -> None:
    """Kill a worker in the middle of its work."""
    await results.number(1_000)
    worker.signal(signal.SIGKILL)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_audit_finds_nothing_wrong_while_workers_are_at_work_and_one_is_killed(environment: Environment) -> None:
    commands = traffic(6_000)
    workers = [environment.worker(f"worker-{number}") for number in range(2)]
    async with Results(environment.settings) as results, asyncio.TaskGroup() as background:
        supervised = [background.create_task(worker.supervise()) for worker in workers]
        sending = background.create_task(environment.send_paced(commands, results, chunk=200))
        killing = background.create_task(killed(workers[0], results))
        while not sending.done():
            assert await audit(environment.settings) == []
        await killing
        for each in supervised:
            each.cancel()

    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


async def test_an_interrupt_ends_it_with_130_and_leaves_nothing_behind(one_partition: Environment, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    async with AIOKafkaProducer(bootstrap_servers=one_partition.settings.bootstrap, transactional_id="open") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(one_partition.settings.topic("results"), b"what it waits for")

        with started(one_partition.settings, TMPDIR=str(scratch)) as process:
            await until(lambda: any(scratch.iterdir()), within_s=60)
            process.send_signal(signal.SIGINT)
            _, errors = await asyncio.to_thread(process.communicate)

        await producer.abort_transaction()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(scratch.iterdir()) == []


async def test_a_transaction_that_stays_open_is_named(one_partition: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.verify.reading.end_offsets.OPEN_S", 0.5)
    async with AIOKafkaProducer(bootstrap_servers=one_partition.settings.bootstrap, transactional_id="open") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(one_partition.settings.topic("results"), b"what it waits for")

        with pytest.raises(FoldstreamError, match=r"a transaction stays open in .*results \[0\]"):
            await audit(one_partition.settings)

        await producer.abort_transaction()


async def test_a_look_that_takes_long_is_no_open_transaction(one_partition: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.verify.reading.end_offsets.OPEN_S", 0.0)
    await intact().write(one_partition.settings)

    assert await audit(one_partition.settings) == []


async def test_what_takes_long_says_how_far_it_is(one_partition: Environment) -> None:
    await intact().write(one_partition.settings)

    with started(one_partition.settings, "verify.EVERY_S = 0") as process:
        said, errors = await asyncio.to_thread(process.communicate)

    assert process.returncode == 0
    assert said.startswith("the log is as it must be")
    assert "read 14 of 14 offsets (100 %)" in errors


async def test_of_many_findings_of_one_kind_some_are_told_and_the_rest_is_counted(one_partition: Environment) -> None:
    log = intact()
    log.parked += [settled(1, "released")] * 25
    await log.write(one_partition.settings)

    findings = await audit(one_partition.settings)

    assert [line.partition(":")[0] for line in findings] == ["parked-order"] * 21
    assert findings[-1] == "parked-order: 5 more"


def test_the_page_explains_each_kind_of_finding() -> None:
    page = (ROOT / "docs" / "operations" / "verifying.md").read_text()

    assert re.findall(r"^\| `(.*?)` \|", page, re.MULTILINE) == list(FindingKind)
