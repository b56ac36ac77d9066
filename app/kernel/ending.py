"""Ending what belongs to a task within bounds: aiokafka hangs, or swallows a cancellation, now and then."""

import asyncio
import logging
from collections.abc import Awaitable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = logging.getLogger(__name__)

CLOSE_S = 1.5
CANCEL_EVERY_S = 5.0
"""Longer than a life takes to clean up (seconds)."""


async def ended(life: "asyncio.Task[None]") -> None:
    """Wait for a life that was cancelled, also when the waiter is cancelled meanwhile: two lives at once would fence each other.

    aiokafka swallows a cancellation now and then: one that goes on is cancelled again.
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


async def stop_reading(consumer: AIOKafkaConsumer) -> None:
    """Stop a reader; aiokafka can hang here right after a change of assignment, and a task must not."""
    await _bounded(consumer.stop(), "a reader")


async def stop(started: AIOKafkaProducer, *, abort: bool) -> None:
    """Stop a producer; one that is in a transaction may abort it first, if that can be done at once. What is left open its successor fences."""
    if abort and started._txn_manager.is_in_transaction():  # noqa: SLF001 (aiokafka has no public way to ask)
        await _bounded(started.abort_transaction(), "a transaction")
    if not await _bounded(started.stop(), "a producer"):
        await _bounded(started.client.close(), "a producer's connections")


async def _bounded(ending: Awaitable[None], what: str) -> bool:
    """True if it ended cleanly in time; whatever it raises concerns nobody any more, for what ends here is not used again."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await ending
    except Exception as error:  # noqa: BLE001 (aiokafka, asyncio and uvloop each have errors of their own for a connection that is gone)
        log.info("%s did not end cleanly: %r", what, error)
        return False
    return True
