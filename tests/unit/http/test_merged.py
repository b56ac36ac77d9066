"""Merged pages of several partitions: each order once, in order, whatever is placed meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.eventsourcing.sort_keys import newest_first
from app.web.queries import lists as merged
from app.web.queries.lists import PartialPage, cursor, joined, place_of
from schemas.timestamp import rfc3339

ORDERS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), max_size=30, unique=True)
"""Orders, each with its time and its partition."""

Order = tuple[int, int]


def item(order: Order) -> dict[str, Any]:
    at, partition = order
    return {"orderDate": rfc3339(1_764_000_000_000 + at), "orderId": f"o-{partition}-{at}"}


def place(order: Order) -> str:
    return shown_at(item(order))


def shown_at(shown: dict[str, Any]) -> str:
    return newest_first(shown["orderDate"], shown["orderId"])


def part(orders: Sequence[Order], after: str, limit: int, looked_at: int) -> PartialPage:
    """Return the part of a page from a partition whose view looks at this many orders."""
    behind = sorted((order for order in orders if place(order) > after), key=place)
    looked = behind[: min(limit, looked_at)]
    return PartialPage([item(order) for order in looked], place(looked[-1]) if len(behind) > len(looked) else None)


def paged(orders: Sequence[Order], later: Sequence[int], limit: int, looked_at: int) -> list[str]:
    """Return the ids of all pages. After each page another order is placed, until none is left."""
    there, after, ids = list(orders), "", list[str]()
    coming = [(100 + at, at % 3) for at in later]
    while True:
        page = joined([part([order for order in there if order[1] == partition], after, limit, looked_at) for partition in range(3)], limit, shown_at)
        assert len(page.items) <= limit
        ids += [each["orderId"] for each in page.items]
        if page.following is None:
            return ids
        after = page.following
        there += [coming.pop()] if coming else []


@for_all(ORDERS, st.lists(st.integers(0, 5), unique=True), st.integers(1, 5), st.integers(1, 4))
def test_pages_give_each_order_once_and_in_order(orders: list[Order], later: list[int], limit: int, looked_at: int) -> None:
    ids = paged(orders, later, limit, looked_at)

    assert ids == [item(order)["orderId"] for order in sorted(orders, key=place)]


@pytest.mark.control
def test_pages_that_go_behind_what_some_partition_has_looked_at_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def reckless(parts: Sequence[PartialPage], limit: int, shown_at: Callable[[dict[str, Any]], str]) -> PartialPage:
        whole = merged.joined([PartialPage(each.items, None) for each in parts], limit, shown_at)
        return PartialPage(whole.items, shown_at(whole.items[-1]) if whole.items else None)

    monkeypatch.setitem(globals(), "joined", reckless)

    assert paged([(3, 0), (2, 0), (0, 1)], [], limit=5, looked_at=1) == ["o-0-3", "o-1-0"], "one is left out"


@for_all(st.tuples(st.integers(0, 30), st.integers(0, 2)))
def test_a_cursor_leads_back_to_its_place(order: Order) -> None:
    assert place_of(cursor(place(order))) == place(order)
