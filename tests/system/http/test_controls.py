"""Negative controls: the tests of a guarantee detect workers with one mechanism of the web switched off."""

import asyncio
from pathlib import Path

import pytest

from tests.resilience.http import test_lease
from tests.support.http import raw
from tests.support.http.client import Client
from tests.support.http.event_source import Failed
from tests.support.http.fixtures import Shop
from tests.support.workers.worker import WHOLE, without
from tests.system.http import test_bounds, test_history, test_openapi, test_streams, test_views

pytestmark = [pytest.mark.control, pytest.mark.usefixtures("program")]


@pytest.mark.long
@pytest.mark.parametrize("program", [without("pages")])
async def test_pages_that_give_events_twice_are_found(own_shop: Shop) -> None:
    with pytest.raises(AssertionError):
        await test_history.test_pages_give_every_event_exactly_once_while_events_are_written(own_shop)


@pytest.mark.long
@pytest.mark.parametrize("program", [without("freshness")])
async def test_reads_that_do_not_wait_for_what_was_written_are_found(own_shop: Shop) -> None:
    with pytest.raises(AssertionError):
        await test_views.writers_see_their_writes(own_shop, times=200)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("program", [without("lease", *WHOLE[1:])])
async def test_a_worker_that_answers_from_rows_that_it_may_have_lost_is_found(own_shop: Shop) -> None:
    with pytest.raises(AssertionError, match="the past"):
        await test_lease.stopped_past_its_session(own_shop)


@pytest.mark.long
@pytest.mark.parametrize("program", [without("deadlines")])
async def test_a_client_whose_body_may_take_for_ever_is_found(alone: Client) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(15):
            await test_bounds.ended(alone, raw.short_body)


@pytest.mark.long
@pytest.mark.parametrize("program", [without("waiting-streams")])
async def test_a_stream_that_is_refused_before_its_order_is_there_is_found(alone: Client) -> None:
    with pytest.raises(Failed, match="404"):
        await test_streams.follows_from_before_the_order(alone, "too-early")


@pytest.mark.parametrize("program", [without("documentation")])
async def test_errors_that_no_document_names_are_found(alone: Client, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Undocumented"):
        await test_openapi.nothing_undocumented(alone, tmp_path, "--max-failures", "1")
