"""Rows of a view that changes while verify reads them. Possible rows are no finding, and all others are still checked."""

from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw

from app.domain.read_models.order_summary import OrderSummary, project
from app.domain.read_models.orders_by_status import place
from app.eventsourcing.recorded_event import RecordedEvent, recorded
from app.verify.findings import Findings
from app.verify.read_models.registry import VIEWS
from app.verify.read_models.row_check import RowCheck
from app.verify.read_models.worker_client import Row
from app.verify.reading.disk_map import DiskMap

[BY_STATUS] = [view for view in VIEWS if view.name == "orders_by_status"]
PLACED = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 2, "price": 5}], "totalAmount": 10, "currency": "EUR"}
NEXT = ("OrderPlaced", "OrderConfirmed", "OrderShipped")


class Judged:
    """Rows and events of one order as verify takes them, and its findings."""

    def __init__(self, scratch: DiskMap) -> None:
        self._findings = Findings()
        self._folds = RowCheck(BY_STATUS, scratch, self._findings, 0)

    def shown(self, version: int) -> "Judged":
        """Take the order's row as of this version."""
        row = shown_at(version)
        self._folds.take(Row(BY_STATUS.table, "o-1", Raw(msgspec.json.encode(row))))
        return self

    def listed(self, *versions: int) -> "Judged":
        """Take list entries as of these versions."""
        for version in versions:
            self._folds.take(Row(BY_STATUS.places, place(shown_at(version)), Raw(b'"o-1"')))
        return self

    async def of(self, versions: int, *, sure: int, still: bool = False) -> list[str]:
        """Return the findings after this many events, of which the rows must contain the first `sure`."""
        for event in events(versions):
            self._folds.event(event, b"", sure=event.version <= sure)
        await self._folds.finish(still=still)
        return [line.partition("key o-1: ")[2] or line for line in self._findings.lines()]


def events(count: int) -> Iterator[RecordedEvent]:
    """Yield the first events of an order."""
    for version, event_type in enumerate(NEXT[:count], 1):
        named = {"aggregateType": "Order", "aggregateId": "o-1", "eventType": event_type, "version": version, "timestamp": f"2026-01-01T00:00:0{version}.000Z"}
        yield recorded(msgspec.json.encode({**named, "schemaVersion": 2 if version == 1 else 1, "payload": PLACED if version == 1 else {}}))


def shown_at(version: int) -> OrderSummary:
    """Return the order's row."""
    row = reduce(project, events(version), None)
    assert row is not None
    return row


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Judged]:
    """Yield the rows and events of one order."""
    with closing(DiskMap(tmp_path / "scratch")) as scratch:
        yield Judged(scratch)


async def test_an_order_that_moved_to_where_was_looked_already_may_be_listed_nowhere(judged: Judged) -> None:
    assert await judged.shown(2).of(2, sure=1) == []


async def test_an_order_that_moved_to_where_was_not_looked_yet_may_be_listed_twice(judged: Judged) -> None:
    assert await judged.shown(2).listed(1, 2).of(2, sure=1) == []


async def test_a_row_that_is_behind_the_log_and_not_behind_its_view_is_right(judged: Judged) -> None:
    assert await judged.shown(2).listed(2).of(3, sure=2) == []


@pytest.mark.control
@pytest.mark.parametrize("versions", [(), (1,), (1, 2)])
async def test_an_order_that_did_not_move_is_listed_once_and_where_it_belongs(judged: Judged, versions: tuple[int, ...]) -> None:
    places = [place(shown_at(version)) for version in versions]

    assert await judged.shown(2).listed(*versions).of(2, sure=2) == [f"is listed at {places}, and belongs at {[place(shown_at(2))]}"]


@pytest.mark.control
async def test_a_row_that_is_behind_its_view_is_found(judged: Judged) -> None:
    assert await judged.shown(2).of(3, sure=3) == ["is at version 2, and 3 is in the log"]


@pytest.mark.control
async def test_a_row_that_is_missing_is_found(judged: Judged) -> None:
    assert await judged.of(2, sure=2) == ["is missing"]


@pytest.mark.control
async def test_a_row_of_which_there_are_no_such_events_is_found(judged: Judged) -> None:
    assert await judged.shown(3).of(2, sure=2) == ["is at version 3, and its last event is 2"]


@pytest.mark.control
async def test_what_is_listed_and_does_not_exist_is_found_where_nothing_moved(judged: Judged) -> None:
    assert "is listed, and has no event behind it" in await judged.listed(1).of(0, sure=0, still=True)


@pytest.mark.control
async def test_counts_that_do_not_fit_are_found_where_nothing_moved(judged: Judged) -> None:
    found = await judged.shown(2).listed(2).of(2, sure=2, still=True)

    assert found == ["wrong-view: order-status-count [0] key : counts {}, and there are {'CONFIRMED': 1}"]
