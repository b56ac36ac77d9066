"""Records parked from a topic that was recreated later: they stay parked, come before those of the new topic, and keep their own locations."""

import pytest

from app.streams.parking import rows as parking
from tests.support.streams.harness import Harness, Opened


async def parked_and_created_again(harness: Harness) -> Opened:
    """Park records of a topic, then recreate it.

    Old topic, offsets 0 to 2: `a` parked, two behind it. New topic, the same offsets: `b` parked, one behind it, then `a` again.
    """
    former = await harness.open()
    await harness.send(("a", b"raise"), ("a", b"old"), ("a", b"older"))
    await former.pump()
    await former.task.close()
    await harness.recreate(harness.commands)
    opened = await harness.open()
    await harness.send(("b", b"raise"), ("b", b""), ("a", b"new"))
    await opened.pump()
    return opened


def open_records(opened: Opened) -> list[tuple[str, int, str, bool]]:
    """Return key, offset and reason of each parked record, and whether it is a queue head."""
    rows = parking.listed(opened.store, "", 0)
    return [((row.key or b"").decode(), row.offset, row.reason, parking.is_head(opened.store, row)) for row in rows]


OPEN = [
    ("a", 0, "failed", True),
    ("a", 1, "behind-parked", False),
    ("a", 2, "behind-parked", False),
    ("b", 0, "failed", True),
    ("b", 1, "behind-parked", False),
    ("a", 2, "behind-parked", False),
]


async def test_what_was_parked_from_a_topic_of_the_name_stays_open_and_comes_first(harness: Harness) -> None:
    opened = await parked_and_created_again(harness)
    await stay_open_and_come_first(harness, opened)


async def test_the_same_follows_from_the_topic_parked_alone(harness: Harness) -> None:
    opened = await parked_and_created_again(harness)
    await opened.task.close()
    await harness.recreate(harness.settings.changelog)

    await stay_open_and_come_first(harness, await harness.open())


@pytest.mark.control
async def test_places_that_do_not_tell_topics_of_a_name_apart_are_found(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "at", lambda offset, _=0: f"{offset:020d}")

    with pytest.raises(AssertionError):
        await stay_open_and_come_first(harness, await parked_and_created_again(harness))


async def stay_open_and_come_first(harness: Harness, opened: Opened) -> None:
    """Release by location: it means the older record first. Queues drain in order, and nothing is left."""
    assert open_records(opened) == OPEN
    opened.counting.mended.add(b"raise")

    assert await opened.retry(0) is None
    await opened.idle()
    assert open_records(opened) == OPEN[3:5]
    assert await opened.retry(0) is None
    await opened.idle()

    assert open_records(opened) == []
    assert await harness.versions() == {"a": [1, 2, 3, 4], "b": [1, 2]}
    await opened.task.close()


def test_a_place_that_nobody_can_read_is_none() -> None:
    assert parking.parse_at(parking.at(7)) == (7, 0)
    assert parking.parse_at(parking.at(7, 2)) == (7, 2)
    with pytest.raises(ValueError, match="invalid literal"):
        parking.parse_at("others")
