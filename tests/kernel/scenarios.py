"""What each guarantee of the kernel means, acted out on a real broker; `test_controls.py` acts it out with the mechanism switched off."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from app.kernel.batch import Batch
from tests.kernel.harness import Harness, Opened

COMMANDS, KEYS = 600, 7


async def interrupted(harness: Harness, step: str, *, after: bool) -> None:
    """A task is closed when it is about to call `step` of its producer, or `step` is just returning to it; another opening processes what is left."""
    reached = asyncio.Event()
    original = getattr(AIOKafkaProducer, step)

    async def stop_here(*words: Any, **named: Any) -> None:  # noqa: ANN401 (stands for any method)
        if after:
            await original(*words, **named)
        reached.set()
        await asyncio.Event().wait()

    opened = await harness.open()
    await harness.send(*[(f"k{number % KEYS}", b"big 2000") for number in range(COMMANDS)])
    batch = Batch(harness.commands, 0, opened.task.opening, await harness.records(harness.commands))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AIOKafkaProducer, step, stop_here)
        processing = asyncio.create_task(opened.task.process(batch, opened.counting))
        await reached.wait()
        await opened.task.close()
        await processing
    await _goes_on(await harness.open(), **{f"k{number}": len(range(number, COMMANDS, KEYS)) for number in range(KEYS)})


async def overtaken(harness: Harness) -> None:
    """The former owner commits until the moment its successor fences it; the successor does none of that again."""
    former = await harness.open(worker="former")
    await harness.send(*[("a", b"")] * 5)
    start = AIOKafkaProducer.start

    async def work_until_fenced(producer: AIOKafkaProducer) -> None:
        await former.pump()
        await start(producer)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AIOKafkaProducer, "start", work_until_fenced)
            successor = await harness.open(worker="successor")
        await harness.send(("a", b""))
        await _goes_on(successor, a=6)
    finally:
        await former.task.close()


async def restarted(harness: Harness) -> None:
    """A task that is opened again goes on where it was."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))
    await opened.pump()
    await opened.task.close()
    await _goes_on(await harness.open(), a=2, b=1)


async def opened_anew_between_two_batches(harness: Harness) -> None:
    """Two batches were fetched, the task is taken over again in place: the second, handed over late, does not move the position over the first."""
    opened = await harness.open()
    await harness.send(("a", b""), ("a", b""), ("b", b""), ("a", b""))
    late = Batch(harness.commands, 0, opened.task.opening, (await harness.records(harness.commands))[2:])
    opened.task.retake()
    await asyncio.sleep(0)
    await opened.task.ready.wait()
    await opened.task.process(late, opened.counting)
    await _goes_on(opened, a=3, b=1)


async def partly_refused(harness: Harness) -> None:
    """The broker refuses one batch of a transaction: the record at fault is found and parked, the others leave nothing out."""
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("events.count"), 20_000)
    await harness.send(("a", b""), ("b", b"big 30000"), ("c", b""), ("a", b""))
    await _goes_on(opened, a=2, c=1)
    [parked] = await harness.records(harness.settings.topic("parked"))
    assert (parked.key, dict(parked.headers)["parked-reason"]) == (b"b", b"failed")


async def not_a_member(harness: Harness) -> None:
    """A worker whose group does not confirm it fences nobody: the owner goes on."""
    owner = await harness.open(worker="owner")
    zombie = harness.start(worker="zombie", member=False)
    try:
        await harness.send(("a", b""))
        await asyncio.sleep(0)
        await owner.pump()
        await harness.send(("a", b""))
        await _goes_on(owner, a=2)
        assert owner.flow.starts == [{harness.commands: 0}], "the owner was fenced, and opened again"
    finally:
        await zombie.task.close()


async def _goes_on(opened: Opened, **counts: int) -> None:
    """The task processes all there is, and then its rows and the log hold just these counts."""
    try:
        await opened.pump()
        await opened.harness.expect_counts(**counts)
        assert opened.rows() == counts
    finally:
        await opened.task.close()
