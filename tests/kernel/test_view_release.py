"""Events that a view parked go on: retried or discarded, those behind them in order, and a view that is folded anew knows of it."""

from app.kernel.parked import Settled, parse
from tests.kernel.view_harness import Failing, ViewHarness
from tests.kernel.view_scenarios import killed_when_kafka_alone_knows_of_a_release

ATTEMPTS = 4
"""At an event, before it is parked."""


async def said(views: ViewHarness) -> list[tuple[int, str]]:
    """What the topic `parked` says, in its order: the offset of each event, and its reason or what became of it."""
    words = [parse(record) for record in await views.records(views.settings.topic("parked"))]
    return [(word.offset, word.outcome if isinstance(word, Settled) else word.reason) for word in words]


async def test_an_event_that_is_retried_and_those_behind_it_are_folded_in_order(views: ViewHarness) -> None:
    opened = await views.open_view(Failing(views, ATTEMPTS))
    await views.write_events(("bad", 1), ("a", 1), ("bad", 2))
    await opened.pump()

    assert await opened.release(0) is None

    assert opened.history("bad") == [1, 2]
    assert await said(views) == [(0, "failed"), (2, "behind-parked"), (0, "released"), (2, "released")]
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
    assert await said(views) == [(0, "failed"), (1, "behind-parked")]
    await opened.task.close()


async def test_events_that_are_discarded_are_left_out_also_when_the_view_is_folded_anew(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 2), ("b", 3), ("a", 2))
    await opened.pump()

    assert await opened.release(1, "never was") is None
    assert await opened.release(2, "neither was this") is None

    told = [(1, "out-of-order"), (2, "behind-parked"), (1, "discarded"), (2, "out-of-order"), (2, "discarded")]
    assert await said(views) == told
    await opened.task.close()
    anew = await views.open_view(worker="anew")
    await views.write_events(("b", 1))
    await anew.pump()
    assert anew.versions() == {"a": 2, "b": 1}
    assert await said(views) == told
    await anew.task.close()


async def test_a_kill_when_kafka_alone_knows_of_a_release_is_made_good(views: ViewHarness) -> None:
    await killed_when_kafka_alone_knows_of_a_release(views)
