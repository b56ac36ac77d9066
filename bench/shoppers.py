"""Orders by HTTP in a process of its own: an open loop like `bench.load`. Each POST is sent at its time, whatever happens to those before it.

usage: python -m bench.shoppers URL PER_SECOND SECONDS

An order's id contains the time at which it was due. At the end it prints how many were sent more than 20 ms late, and how many got no 201.
"""

import asyncio
import sys
import time

import aiohttp

from bench.load import LATE_NS
from bench.shop import ordered

CREATED = 201


async def main(url: str, per_second: int, seconds: int) -> tuple[int, int]:
    """Post the orders and return how many were late, and how many failed."""
    began_ns, late = time.time_ns(), 0
    async with aiohttp.ClientSession(base_url=url) as session, asyncio.TaskGroup() as posting:
        posted = []
        for number in range(per_second * seconds):
            due_ns = began_ns + number * 1_000_000_000 // per_second
            late += await _wait(due_ns) > LATE_NS
            posted.append(posting.create_task(_post(session, f"{due_ns}-{number:016d}", number)))
    return late, sum(each.result() != CREATED for each in posted)


async def _wait(due_ns: int) -> int:
    """Wait until an order is due, and return how late it is then (nanoseconds)."""
    await asyncio.sleep((due_ns - time.time_ns()) / 1e9)
    return time.time_ns() - due_ns


async def _post(session: aiohttp.ClientSession, key: str, number: int) -> int:
    async with session.post("/orders", json={"orderId": key, **ordered(number)}) as answer:
        await answer.read()
        return answer.status


if __name__ == "__main__":
    print(*asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
