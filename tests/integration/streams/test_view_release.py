"""Releases of events that a view parked: retried or discarded, then those behind them. A rebuilt view respects the outcome."""

from tests.support.streams.view_harness import Failing, ViewHarness
from tests.support.streams.view_scenarios import killed_when_kafka_alone_knows_of_a_release, mended_and_folded_anew

ATTEMPTS = 4
"""Number of attempts at an event before it is parked."""


async def test_an_event_that_is_retried_and_those_behind_it_are_folded_in_order(views: ViewHarness) -> None:
    opened = await views.open_view(Failing(views, ATTEMPTS))
    await views.write_events(("bad", 1), ("a", 1), ("bad", 2))
    await opened.pump()

    assert await opened.release(0) is None

    assert opened.history("bad") == [1, 2]
    assert await views.said() == [(0, "failed"), (2, "behind-parked"), (0, "released"), (2, "released")]
    await views.write_events(("bad", 3))
    await opened.pump()
    assert opened.versions() == {"a": 1, "bad": 3}
    await opened.task.close()


async def test_an_event_that_fails_again_stays_parked_and_leaves_nothing_behind(views: ViewHarness) -> None:
    opened = await views.open_view(Failing(views, ATTEMPTS + 1))
    await views.write_events(("bad", 1), ("bad", 2))
    await opened.pump()

    park = await opened.release(0)

    assert park is not None
    assert park.reason == "failed"
    assert opened.versions() == {}
    assert await views.said() == [(0, "failed"), (1, "behind-parked")]
    await opened.task.close()


async def test_events_that_are_discarded_are_left_out_also_when_the_view_is_folded_anew(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 2), ("b", 3), ("a", 2))
    await opened.pump()

    assert await opened.release(1, "never was") is None
    assert await opened.release(2, "neither was this") is None

    told = [(1, "out-of-order"), (2, "behind-parked"), (1, "discarded"), (2, "out-of-order"), (2, "discarded")]
    assert await views.said() == told
    await opened.task.close()
    anew = await views.open_view(worker="anew")
    await views.write_events(("b", 1))
    await anew.pump()
    assert anew.versions() == {"a": 2, "b": 1}
    assert await views.said() == told
    await anew.task.close()


async def test_a_kill_when_kafka_alone_knows_of_a_release_is_made_good(views: ViewHarness) -> None:
    await killed_when_kafka_alone_knows_of_a_release(views)


async def test_parked_events_that_a_view_folded_anew_can_take_are_said_to_be_released(views: ViewHarness) -> None:
    await mended_and_folded_anew(views)
