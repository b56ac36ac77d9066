"""Waiting with a deadline, never for a fixed time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], within_s: float) -> None:
    """Return as soon as the condition holds. Raise TimeoutError if it does not in time (seconds)."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 (another process or task changes it)
            await asyncio.sleep(0.02)
