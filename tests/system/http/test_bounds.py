"""Limits that keep one client from disturbing others, or the worker.

Slow or endless requests are ended, excessive ones are refused, and all resources are released.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import psutil
import pytest

from tests.support.http import raw
from tests.support.http.client import PLACE, Client
from tests.support.http.raw import Raw, connected

EACH = 20
"""Number of clients of each kind."""

GROWTH_BYTES = 150 << 20
"""Memory that the worker may gain by filling its caches, not by holding clients' data (bytes)."""

MANY = 1_000

Misbehaviour = Callable[[Raw], Awaitable[bytes]]

Ending = tuple[int | None, str | None]
"""Status and code of the answer; None for a connection closed without one."""

TOO_LARGE: set[Ending] = {(413, "too-large"), (503, "overloaded")}
"""Second case: other clients occupy all the room for large bodies."""

ENDS: dict[Misbehaviour, set[Ending]] = {
    raw.silent: {(None, None)},
    raw.slow_head: {(None, None)},
    raw.endless_head: {(431, "head-too-large")},
    raw.slow_body: {(408, "body-too-slow")},
    raw.short_body: {(408, "body-too-slow")},
    raw.large_body: TOO_LARGE,
    raw.endless_body: TOO_LARGE,
    raw.endless_body_of_a_read: {(200, None)},
    raw.no_http: {(400, "no-http")},
}
"""Misbehaviour of clients, and the ends it may have."""


@pytest.fixture
def program() -> tuple[str, ...]:
    """Return arguments of a worker that sends its answer to a slow client before it closes the connection."""
    return ("-m", "tests.support.workers.lingering")


@pytest.mark.long
async def test_clients_that_are_slow_without_end_deaf_or_gone_are_ended_while_others_are_served(alone: Client) -> None:
    process = await _settled(alone)
    files, memory = process.num_fds(), process.memory_info().rss

    ending = asyncio.gather(*[ended(alone, misbehave) for misbehave in ENDS for _ in range(EACH)])
    going = asyncio.gather(*[_goes(alone, sent) for sent in (raw.POST, _post(b"{"), _post(raw.ORDER)) for _ in range(EACH)])
    unread = asyncio.gather(*[_never_reads(alone) for _ in range(EACH)])
    statuses, most = await _served(alone, process, asyncio.gather(ending, going, unread))

    assert [(misbehave, end) for misbehave, end in await ending if end not in ENDS[misbehave]] == []
    assert 201 in statuses
    assert set(statuses) <= {201, 202}, "a slow machine may take more than the time a write is waited for"
    assert most - memory < GROWTH_BYTES
    await _is_as_before(alone, process, files)


async def test_of_1000_clients_at_the_same_time_each_gets_its_order_and_health_is_answered_meanwhile(alone: Client) -> None:
    process = await _settled(alone)
    files, memory = process.num_fds(), process.memory_info().rss

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        buying = asyncio.gather(*[_buys(Client(session, alone.worker), number) for number in range(MANY)])
        alive, most = [], memory
        while not buying.done():
            alive.append((await alone.get("/healthz")).status)
            most = max(most, process.memory_info().rss)

    assert buying.result() == [(201, 1)] * MANY
    assert set(alive) == {200}
    assert most - memory < GROWTH_BYTES
    await _is_as_before(alone, process, files)


async def _settled(client: Client) -> psutil.Process:
    """Return the worker's process, once it has opened every file that it keeps open."""
    async with asyncio.timeout(60):
        while "foldstream_lag_records{" not in await client.text("/metrics"):  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)
    return psutil.Process(client.worker.process.pid)


async def ended(client: Client, misbehave: Misbehaviour) -> tuple[Misbehaviour, Ending]:
    """Run a misbehaving client. Return its misbehaviour and its end."""
    async with connected(client.worker) as connection, asyncio.timeout(60):
        head, _, body = (await misbehave(connection)).partition(b"\r\n\r\n")
    return misbehave, (int(head.split()[1]), json.loads(body).get("code")) if head else (None, None)


async def _served(client: Client, process: psutil.Process, meanwhile: "asyncio.Future[Any]") -> tuple[list[int], int]:
    """Place orders until `meanwhile` is done. Return the statuses, and the most memory that the worker used (bytes)."""
    statuses, most = [], 0
    while not meanwhile.done():
        statuses.append((await client.post("/orders", PLACE)).status)
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(0.05)
    return statuses, most


async def _is_as_before(client: Client, process: psutil.Process, files: int) -> None:
    """Assert that almost all connections are closed again, nothing failed, and the worker is ready."""
    async with asyncio.timeout(60):
        while process.num_fds() > files + 10:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)
    assert "Traceback" not in client.worker.said
    assert "ERROR" not in client.worker.said
    assert (await client.get("/readyz")).status == 200


def _post(body: bytes) -> bytes:
    return raw.POST + b"Content-Length: %d\r\n\r\n" % len(raw.ORDER) + body


async def _goes(client: Client, sent: bytes) -> None:
    async with connected(client.worker) as connection:
        await connection.send(sent)


async def _never_reads(client: Client) -> None:
    """Send requests without reading answers, until the worker ends the connection."""
    async with connected(client.worker, reading=False) as connection, asyncio.timeout(60):
        while await connection.send(b"GET /openapi.json HTTP/1.1\r\nHost: some\r\n\r\n" * 10):  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.05)


async def _buys(client: Client, number: int) -> tuple[int, int]:
    while True:
        answer = await client.post("/orders", PLACE, idempotency_key=f"key-{number}")
        if answer.status not in {202, 503}:
            return answer.status, answer.body["version"]
        await asyncio.sleep(0.2)
