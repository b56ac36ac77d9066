"""Addresses at which a worker serves HTTP: both families, named as in URLs."""

import socket
from pathlib import Path

import aiohttp
import pytest

from app.errors import FoldstreamError
from app.settings import Settings
from app.web.server import listen
from tests.conftest import RunningKafka
from tests.support.http.client import PLACE, ready, settled
from tests.support.workers.environment import Environment

REACHED = {
    "127.0.0.1": {"127.0.0.1"},
    "localhost": {"127.0.0.1"},
    "0.0.0.0": {"127.0.0.1"},  # noqa: S104 (what a user may want)
    "::1": {"::1"},
    "[::1]": {"::1"},
    "::": {"::1", "127.0.0.1"},
}


def reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("host", REACHED)
def test_a_worker_listens_where_it_is_told_to(host: str) -> None:
    with listen(Settings(web_host=host, web_port=0)) as listening:
        port = listening.getsockname()[1]

        assert {address for address in ("127.0.0.1", "::1") if reaches(address, port)} == REACHED[host]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "300.1.1.1", ":::1", "192.0.2.1", "\udcff", "x" * 300])
def test_a_host_that_is_not_here_is_told_with_its_setting(host: str) -> None:
    with pytest.raises(FoldstreamError, match="set FOLDSTREAM_WEB_HOST"):
        listen(Settings(web_host=host, web_port=0))


@pytest.mark.parametrize(("host", "url"), [("::1", "http://[::1]:1"), ("[::1]", "http://[::1]:1"), ("127.0.0.1", "http://127.0.0.1:1")])
def test_a_url_has_brackets_around_an_address_of_ipv6(host: str, url: str) -> None:
    assert Settings(web_host=host).web_url(1) == url


@pytest.mark.long
async def test_workers_forward_to_each_other_over_ipv6(kafka: RunningKafka, tmp_path: Path) -> None:
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        workers = [environment.worker(host.strip(":"), web_host=host) for host in ("::1", "::")]
        async with aiohttp.ClientSession() as session:
            clients = [await ready(session, worker) for worker in workers]
            await settled(*clients)
            for number in range(8):
                for client in clients:
                    placed = await client.post("/orders", {**PLACE, "orderId": f"six-{number}"}, idempotency_key="k")
                    assert placed.status in {201, 202}
        assert workers[0].url.startswith("http://[::1]:")
    finally:
        environment.close()
