"""Shutdown of a task's asyncio tasks and Kafka clients within bounds. aiokafka sometimes hangs, or swallows a cancellation."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = logging.getLogger(__name__)

_endings: set["asyncio.Task[None]"] = set()
"""References to the shutdowns that are running, because asyncio itself keeps no task alive."""

CLOSE_S = 1.5
CANCEL_EVERY_S = 5.0
"""Interval at which a run is cancelled again (seconds). It is longer than a run takes to clean up."""


async def ended(life: "asyncio.Task[None]") -> None:
    """Wait for a run that was cancelled, even when the waiter is cancelled meanwhile: two runs at once would fence each other.

    aiokafka sometimes swallows a cancellation. So a run that continues is cancelled again.
    """
    cancelled = False
    while not life.done():
        try:
            done, _ = await asyncio.wait([life], timeout=CANCEL_EVERY_S)
            if not done:
                life.cancel()
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


async def all_ended(lives: Iterable["asyncio.Task[None]"]) -> None:
    """Wait for several runs that were cancelled."""
    await asyncio.gather(*map(ended, lives), return_exceptions=True)  # otherwise it would end with the first run when the waiter is cancelled


async def stop_reading(consumer: AIOKafkaConsumer) -> None:
    """Stop a reader. aiokafka can hang here right after a change of assignment, and a task must not."""
    if not await _bounded(consumer.stop(), "a reader"):
        await _bounded(consumer._client.close(), "a reader's connections")  # noqa: SLF001 (its stop has not come that far)


async def stop(started: AIOKafkaProducer, *, abort: bool) -> None:
    """Stop a producer. With `abort`, first abort an open transaction, if that can be done at once. Its successor fences a transaction that stays open."""
    if abort and started._txn_manager.is_in_transaction():  # noqa: SLF001 (aiokafka has no public way to ask)
        await _bounded(started.abort_transaction(), "a transaction")
    if not await _bounded(started.stop(), "a producer"):
        await _bounded(started._sender.close(), "a sender")  # noqa: SLF001 (one that lives would connect again)
        await _bounded(started.client.close(), "a producer's connections")


async def _bounded(ending: Coroutine[Any, Any, None], what: str) -> bool:
    """Return True if the client ended cleanly in time.

    The shutdown continues when the waiter is cancelled. Its errors are only logged, because the client is not used again.
    """
    task = asyncio.create_task(ending)
    _endings.add(task)
    task.add_done_callback(_endings.discard)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([task], timeout=CLOSE_S)
    if task.done() and not task.cancelled() and task.exception() is None:
        return True
    log.info("%s did not end cleanly: %r", what, task.exception() if task.done() and not task.cancelled() else "it took too long")
    task.cancel()
    return False
