"""Scenarios of the join between orders and customers, on a real broker. `test_controls.py` repeats them with the mechanism switched off."""

from collections.abc import Iterable

import pytest

from app.streams.state.store import Change, StateStore, StoreCheckpoint
from schemas.customer import CustomerChanged
from tests.support.streams.join_harness import PLACED, REGISTERED, JoinHarness
from tests.support.streams.view_scenarios import KilledError
from tests.support.waiting import until


async def killed_around_the_write_that_follows_a_feed(harness: JoinHarness, topic: str, *, after: bool) -> None:
    """Kill the worker before or after its view writes the effects of this topic. Either way, the feed record arrives in the end."""
    opened = await harness.open_views()
    await harness.write("Customer", "ada", 1, REGISTERED)
    await harness.write("Order", "o-1", 1, PLACED)
    write = StateStore.write

    def killed(store: StateStore, changes: Iterable[Change], stored: StoreCheckpoint | None = None) -> None:
        if after:
            write(store, changes, stored)
        raise KilledError

    for each in (harness.accounts.events[0], harness.summaries.events[0], *harness.accounts.feeds):
        with pytest.MonkeyPatch.context() as patch:
            if each == topic:
                patch.setattr(StateStore, "write", killed)
            await opened.hand_over(each)
        if each == topic:
            await until(lambda: opened.task.stopped, within_s=60)
            break
    await opened.task.close()

    opened = await harness.open_views()
    await opened.pump()
    assert (opened.name().version, opened.name().name) == (1, "Ada")
    await opened.task.close()


async def told_by_two_owners(harness: JoinHarness) -> None:
    """Let a former owner of the customer's view feed an old name after its successor fed the new one. The new name stays."""
    former, successor = await harness.open_views("former"), await harness.open_views("successor")
    await harness.write("Order", "o-1", 1, PLACED)
    await harness.write("Customer", "ada", 1, REGISTERED)
    await harness.write("Customer", "ada", 2, CustomerChanged(name="Bea"))
    await successor.pump()
    assert successor.name().name == "Bea"

    [orders, customers] = harness.summaries.events[0], harness.accounts.events[0]
    await former.hand_over(orders)
    await former.hand_over(customers, 1)
    await former.hand_over(harness.accounts.feeds[0])
    await successor.pump()

    told = await harness.records(harness.summaries.feeds[0])
    assert b'"Ada"' in (told[-1].value or b"")
    assert (successor.name().version, successor.name().name, successor.name().email) == (2, "Bea", "ada@example.org")
    await former.task.close()
    await successor.task.close()
