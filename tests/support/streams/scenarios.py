"""Scenarios of the runtime's guarantees, on a real broker. `test_controls.py` repeats them with the mechanism switched off."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from app.streams.kafka import shutdown as ending
from app.streams.parking import release
from app.streams.parking.release import NotParked
from app.streams.processing.record_queue import RecordBatch
from app.streams.tasks import task
from tests.support.streams.harness import Harness, Opened

COMMANDS, KEYS = 600, 7


async def interrupted(harness: Harness, step: str, *, after: bool) -> None:
    """Close a task as it calls `step` of its producer, or as that call returns. Another incarnation processes the rest."""
    opened = await harness.open()
    await harness.send(*[(f"k{number % KEYS}", b"big 2000") for number in range(COMMANDS)])
    batch = RecordBatch(harness.commands, 0, opened.task.opening, await harness.records(harness.commands))
    with pytest.MonkeyPatch.context() as patch:
        reached = stop_at(patch, step, after=after)
        processing = asyncio.create_task(opened.task.process(batch, opened.counting))
        await reached.wait()
        await opened.task.close()
        await processing
    await _goes_on(await harness.open(), **{f"k{number}": len(range(number, COMMANDS, KEYS)) for number in range(KEYS)})


async def overtaken(harness: Harness) -> None:
    """Let the former owner commit until its successor fences it. The successor repeats nothing of that."""
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
    """Restart a task. It continues at its position."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))
    await opened.pump()
    await opened.task.close()
    await _goes_on(await harness.open(), a=2, b=1)


async def opened_anew_between_two_batches(harness: Harness) -> None:
    """Restart a task in place after two batches were fetched. The second batch, processed late, must not move the position past the first."""
    opened = await harness.open()
    await harness.send(("a", b""), ("a", b""), ("b", b""), ("a", b""))
    late = RecordBatch(harness.commands, 0, opened.task.opening, (await harness.records(harness.commands))[2:])
    opened.task.retake()
    await asyncio.sleep(0)
    await opened.task.ready.wait()
    await opened.task.process(late, opened.counting)
    await _goes_on(opened, a=3, b=1)


async def partly_refused(harness: Harness) -> None:
    """Let the broker reject one batch of a transaction. The rejected record is found and parked, the others are complete."""
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("events.count"), 20_000)
    await harness.send(("a", b""), ("b", b"big 30000"), ("c", b""), ("a", b""))
    await _goes_on(opened, a=2, c=1)
    [parked] = await harness.records(harness.settings.topic("parked"))
    assert (parked.key, dict(parked.headers)["parked-reason"]) == (b"b", b"failed")


async def released_in_the_middle(harness: Harness, step: str, *, calls: int, after: bool) -> None:
    """Close a task at one call of a release, with two records per transaction. Its successor completes the release, once and in order."""
    opened = await harness.open()
    await harness.send(("a", b"raise"), *[("a", b"")] * 5, ("b", b""))
    await opened.pump()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "RECORDS", 2)
        opened.counting.mended = {b"raise"}
        reached = stop_at(patch, step, after=after, calls=calls)
        retrying = asyncio.create_task(opened.retry(0))
        await reached.wait()
        await opened.task.close()
        await asyncio.wait([retrying])
    successor = await harness.open()
    successor.counting.mended = {b"raise"}
    try:
        with suppress(NotParked):  # if the release ended before its first commit, the operator retries
            await successor.retry(0)
        await successor.idle()
        assert await harness.order("a") == [0, 1, 2, 3, 4, 5]
        await harness.send(("a", b""))
    finally:
        await _goes_on(successor, a=7, b=1)


async def not_a_member(harness: Harness) -> None:
    """Start a worker that its group does not confirm. It fences no task, and the owner continues."""
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


async def fenced_too_late(harness: Harness) -> None:
    """Let a worker lose its membership while it fences. It must not serve, because the owner would not know what it answers."""
    await (await harness.open()).task.close()
    late, fenced, start = harness.start(worker="late"), asyncio.Event(), AIOKafkaProducer.start

    async def start_late(producer: AIOKafkaProducer) -> None:
        await start(producer)
        late.flow.member = False
        fenced.set()

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AIOKafkaProducer, "start", start_late)
            await fenced.wait()
        owner = await harness.open(worker="owner")
        await harness.send(("a", b""))
        await owner.pump()
        assert late.flow.starts == [], "who lost the partition serves it"
        await _goes_on(owner, a=1)
    finally:
        await late.task.close()


def stop_at(patch: pytest.MonkeyPatch, step: str, *, after: bool, calls: int = 1) -> asyncio.Event:
    """Stop the producer for ever before or after the last of so many calls of `step`. Return an event that is set then.

    Closing the task waits only shortly.
    """
    patch.setattr(task, "SETTLE_S", 0.2)
    patch.setattr(ending, "CLOSE_S", 0.2)
    reached, original, left = asyncio.Event(), getattr(AIOKafkaProducer, step), iter(range(calls - 1, -1, -1))

    async def stop_here(*words: Any, **named: Any) -> Any:  # noqa: ANN401 (stands for any method)
        if next(left, 0):
            return await original(*words, **named)
        if after:
            await original(*words, **named)
        reached.set()
        return await asyncio.Event().wait()

    patch.setattr(AIOKafkaProducer, step, stop_here)
    return reached


async def _goes_on(opened: Opened, **counts: int) -> None:
    """Process all commands. Assert that rows and log hold exactly these counts."""
    try:
        await opened.pump()
        await opened.harness.expect_counts(**counts)
        assert opened.rows() == counts
    finally:
        await opened.task.close()
