"""Customers' names in the read model of orders."""

import pytest

from schemas.customer import CustomerChanged
from tests.support.streams.join_harness import PLACED, REGISTERED, JoinHarness
from tests.support.streams.join_scenarios import killed_around_the_write_that_follows_a_feed, told_by_two_owners


async def test_a_name_reaches_orders_at_once_and_when_it_changes_and_is_asked_for_once(joined: JoinHarness) -> None:
    opened = await joined.open_views()
    for order_id in ("o-1", "o-2"):
        await joined.write("Order", order_id, 1, PLACED)
    await opened.pump()
    assert (opened.name().version, opened.name().name) == (0, None)

    await joined.write("Customer", "ada", 1, REGISTERED)
    await joined.write("Customer", "ada", 2, CustomerChanged(name="Bea"))
    await opened.pump()

    assert (opened.name().version, opened.name().name, opened.name().email) == (2, "Bea", "ada@example.org")
    assert [record.key for record in await joined.records(joined.accounts.feeds[0])] == [b"ada"]
    assert {record.key for record in await joined.records(joined.summaries.feeds[0])} == {b"o-1"}
    await opened.task.close()


async def test_a_view_that_lost_its_disk_knows_the_names_again(joined: JoinHarness) -> None:
    opened = await joined.open_views()
    await joined.write("Order", "o-1", 1, PLACED)
    await joined.write("Customer", "ada", 1, REGISTERED)
    await opened.pump()
    await opened.task.close()

    opened = await joined.open_views("empty")
    await opened.pump()

    assert (opened.name().version, opened.name().name) == (1, "Ada")
    await opened.task.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("side", ["orders", "customers"])
async def test_a_worker_that_is_killed_around_its_write_leaves_nobody_untold(joined: JoinHarness, side: str, after: bool) -> None:  # noqa: FBT001 (a parameter)
    topic = joined.summaries.events[0] if side == "orders" else joined.accounts.feeds[0]
    await killed_around_the_write_that_follows_a_feed(joined, topic, after=after)


async def test_of_two_workers_that_both_believe_to_have_the_view_the_later_name_holds(joined: JoinHarness) -> None:
    await told_by_two_owners(joined)
