"""Proxy that opens some paths only: no client reaches another path, whatever it sends (SECURITY.md; docs/decisions/0033)."""

import asyncio
import json
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.http.connection import BoundedConnection
from tests.conftest import FreePort
from tests.support.deployment import proxies
from tests.support.deployment.proxies import Configured, in_front
from tests.support.http.client import PLACE
from tests.support.http.messages import CLOSED, H2C, INNER, LAST, READ, REFUSED, WEBSOCKET, sized
from tests.support.http.raw import statuses
from tests.support.http.recorder import Seen, recording, told

LINE_ENDS = b"\r\n" * 400_000
"""Line ends, so many that a proxy splits a body among them. A parser skips them before a request."""

ORDER = json.dumps(PLACE).encode()
HIDDEN = {f"hidden behind line ends, {name}": sized(offer, LINE_ENDS + INNER) for name, offer in (("nothing", b""), ("h2c", H2C), ("websocket", WEBSOCKET))}
SENT = {**{name: read.message for name, read in {**READ, **CLOSED}.items()}, **REFUSED, **HIDDEN}


async def behind(proxy: Configured, folder: Path, port: int, connection: type[HttpToolsProtocol] = BoundedConnection) -> list[Seen]:
    """Return the requests that get through, of every message ever sent to a server. Each is followed by two requests on its connection."""
    async with recording(connection) as recorder, in_front(proxy, folder, port, recorder.port):
        await asyncio.gather(*(told(port, message + INNER + LAST) for message in SENT.values()))
        return recorder.all


@pytest.mark.parametrize("proxy", proxies.ALL)
async def test_nothing_gets_past_a_proxy_in_the_body_of_something_else(proxy: Configured, tmp_path: Path, free_port: FreePort) -> None:
    seen = await behind(proxy, tmp_path, free_port())

    assert [each for each in seen if not each.path.startswith("/orders") and each.path != "*"] == []
    assert Seen("POST", "/orders", INNER) in seen


@pytest.mark.parametrize("proxy", proxies.ALL)
async def test_a_client_that_offers_another_protocol_gets_its_order_through(proxy: Configured, tmp_path: Path, free_port: FreePort) -> None:
    port = free_port()
    async with recording() as recorder, in_front(proxy, tmp_path, port, recorder.port):
        got = await told(port, sized(H2C + b"Content-Type: application/json\r\n", ORDER) + LAST)

    assert (recorder.all, statuses(got)) == ([Seen("POST", "/orders", ORDER)], [200, 401])


@pytest.mark.control
async def test_a_server_that_reads_on_behind_an_offer_is_found(tmp_path: Path, free_port: FreePort) -> None:
    seen = await behind(proxies.nginx, tmp_path, free_port(), HttpToolsProtocol)

    assert Seen("POST", "/customers", b"[]") in seen
