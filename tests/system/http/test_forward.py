"""Answers that a worker accepts as another worker's: only real ones, whatever program is at the advertised URL (docs/decisions/0034)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from app.client.workers import ask
from app.errors import FoldstreamError
from app.streams.kafka.partitioner import partition_of
from tests.conftest import FreePort, RunningKafka
from tests.support.http import between
from tests.support.http.between import Answering, Between
from tests.support.http.client import PLACE, Client, ready, settled
from tests.support.http.raw import connected, statuses
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM, without
from tests.system.http.test_history import history
from tests.system.http.test_views import listed

LISTS = ("/orders", "/sagas", "/parked")
CORRELATION = "Bestellung-\N{LATIN SMALL LETTER U WITH DIAERESIS}-\N{CJK UNIFIED IDEOGRAPH-6CE8}"


class Pair(NamedTuple):
    """Worker, and another one that is reached only through a server in between."""

    environment: Environment
    one: Client
    middle: Between
    order_id: str
    """Id of an order that the other worker owns."""


class Behind(NamedTuple):
    """Two workers, and the port that the second one advertises instead of its own."""

    environment: Environment
    advertised: int
    own: int


@pytest.fixture(scope="module")
def behind(kafka: RunningKafka, free_port: FreePort, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """Yield the workers for all tests of this module."""
    yield from _started(kafka, free_port, tmp_path_factory.mktemp("behind"), PROGRAM)


@pytest.fixture
def believing(kafka: RunningKafka, free_port: FreePort, tmp_path: Path) -> Iterator[Behind]:
    """Yield workers that do not check the mark of an answer."""
    yield from _started(kafka, free_port, tmp_path, without("mark"))


@pytest.fixture
async def pair(behind: Behind) -> AsyncIterator[Pair]:
    """Yield serving workers, with an order placed through the first."""
    async with _served(behind) as served:
        yield served


def _started(kafka: RunningKafka, free_port: FreePort, directory: Path, program: tuple[str, ...]) -> Iterator[Behind]:
    environment, own, advertised = Environment(kafka.bootstrap, directory), free_port(), free_port()
    try:
        asyncio.run(environment.create_topics())
        environment.worker("one", program=program)
        environment.worker("other", program=program, web_port=str(own), advertised_url=f"http://127.0.0.1:{advertised}/")
        yield Behind(environment, advertised, own)
    finally:
        environment.close()


@asynccontextmanager
async def _served(behind: Behind) -> AsyncIterator[Pair]:
    async with aiohttp.ClientSession() as session, between.between(behind.advertised, f"http://127.0.0.1:{behind.own}") as middle:
        one, other = [await ready(session, worker) for worker in behind.environment.workers]
        await settled(one, other)
        order_id = await _of_the_other(one)
        placed = await one.post("/orders", {**PLACE, "orderId": order_id}, idempotency_key="first", x_correlation_id=CORRELATION)
        assert placed.status == 201
        await one.get(f"/orders/{order_id}", consistency_token=placed.headers["consistency-token"], prefer="wait=30")
        await history(one, order_id, 1)
        await listed(one, "limit=1000", order_id)
        yield Pair(behind.environment, one, middle, order_id)


async def _of_the_other(one: Client) -> str:
    """Return an id that this worker does not own."""
    number = 0
    while (await one.get(f"/orders/o-{number}", foldstream_forwarded="1")).status != 503:
        number += 1
    return f"o-{number}"


async def only_the_owner_answers(pair: Pair, answering: Answering) -> None:
    """Assert that any other answer than the owner's becomes 503 for reads and 202 for writes."""
    pair.middle.answering = answering
    paths = [f"/orders/{pair.order_id}", f"/orders/{pair.order_id}/events", f"/orders/{pair.order_id}/saga", *LISTS]
    reads = {path: await pair.one.get(path) for path in paths}
    written = await pair.one.post("/orders", {**PLACE, "orderId": pair.order_id}, idempotency_key="once-more")

    assert {path: (answer.status, answer.body.get("code")) for path, answer in reads.items()} == dict.fromkeys(paths, (503, "no-owner"))
    assert (written.status, written.headers["location"]) == (202, f"/commands/Order/{pair.order_id}/once-more")


async def test_what_is_at_the_owners_url_is_taken_for_the_owner_only_if_it_is(pair: Pair) -> None:
    for answering in (between.bad_gateway, between.not_found, between.empty_list, between.another_worker, between.redirect):
        await only_the_owner_answers(pair, answering)
        with pytest.raises(FoldstreamError, match="FOLDSTREAM_ADVERTISED_URL"):
            await ask(pair.environment.settings, _partition(pair), f"/tables/history/{_partition(pair)}", method="GET")

    assert "FOLDSTREAM_ADVERTISED_URL" in pair.one.worker.said


@pytest.mark.control
async def test_a_worker_that_believes_whatever_answers_is_found(believing: Behind) -> None:
    async with _served(believing) as served:
        with pytest.raises(AssertionError, match="404"):
            await only_the_owner_answers(served, between.not_found)


@pytest.mark.parametrize("answering", [between.compress, between.compress_always])
async def test_a_proxy_that_compresses_changes_nothing(pair: Pair, answering: Answering) -> None:
    paths = (f"/orders/{pair.order_id}", f"/orders/{pair.order_id}/events", *LISTS)
    before = [(await pair.one.get(path)).body for path in paths]
    pair.middle.answering = answering

    assert [(await pair.one.get(path)).body for path in paths] == before
    assert before[2]["items"] != []


@pytest.mark.long
async def test_a_request_is_forwarded_byte_for_byte(pair: Pair) -> None:
    quoted = "".join(f"%{letter:02x}" for letter in pair.order_id.encode())
    targets = [f"/orders/{quoted}/events?fromVersion=%31", f"/orders/{pair.order_id}/%65vents", f"/orders/./../orders/{pair.order_id}"]
    for target in targets:
        async with connected(pair.one.worker) as connection:
            await connection.send(f"GET {target} HTTP/1.1\r\nHost: some\r\nConnection: close\r\n\r\n".encode())
            got = await connection.got()
        assert statuses(got) == ([404] if "/../" in target else [200])

    assert [target for target in pair.middle.targets if target in targets] == targets[:2]
    [placed] = (await pair.one.get(f"/orders/{pair.order_id}/events")).body["items"]
    assert placed["metadata"]["correlationId"] == CORRELATION


async def test_an_owner_that_breaks_off_in_the_middle_ends_the_answer_and_takes_one_line(pair: Pair) -> None:
    pair.middle.answering, before = between.break_off, len(pair.one.worker.said)

    with pytest.raises(aiohttp.ClientPayloadError):
        await pair.one.get(f"/orders/{pair.order_id}/events")

    await until(lambda: "breaks off" in pair.one.worker.said[before:], within_s=30)
    assert "Traceback" not in pair.one.worker.said[before:]
    assert (await pair.one.get(f"/orders/{pair.order_id}")).status == 503
    pair.middle.answering = between.garbled
    assert [(await pair.one.get(path)).status for path in LISTS] == [503] * len(LISTS)


def _partition(pair: Pair) -> int:
    return partition_of(pair.order_id.encode(), pair.environment.settings.partitions)
