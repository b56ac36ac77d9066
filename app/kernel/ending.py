"""Ending what belongs to a task within bounds: aiokafka hangs, or swallows a cancellation, now and then."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

CLOSE_S = 2.0
CANCEL_EVERY_S = 3.0
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
    try:
        async with asyncio.timeout(CLOSE_S):
            await consumer.stop()
    except TimeoutError:
        log.info("a reader did not stop in time")


async def stop(started: AIOKafkaProducer, *, abort: bool) -> None:
    """Stop a producer; one that is in a transaction may abort it first, if that can be done at once."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if abort and started._txn_manager.is_in_transaction():  # noqa: SLF001 (aiokafka has no public way to ask)
                await started.abort_transaction()
            await started.stop()
    except (KafkaError, TimeoutError, AssertionError) as error:
        log.info("a producer did not stop cleanly, its successor fences it: %r", error)
        await started.client.close()
