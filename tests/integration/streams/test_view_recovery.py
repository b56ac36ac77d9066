"""Recovery of views: from any state of the disk, a view restores the rows of the log."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.streams.state.positions import InputPosition, positions
from app.streams.state.store import StateStore
from app.streams.tasks.view_opening import ROW, view_identities
from app.streams.topology import Subscription
from tests.support.streams.view_harness import ViewHarness


def disk(views: ViewHarness) -> Path:
    return views.view_side().store_path(0)


async def folds_anew(views: ViewHarness) -> None:
    """Open the view. It must read its logs from the beginning, and then have the right rows."""
    opened = await views.open_view()
    assert opened.flow.starts == [dict.fromkeys(views.model.events, 0)]
    await opened.pump()
    assert opened.versions() == {"a": 2, "b": 1}
    await opened.task.close()


async def test_an_empty_disk_is_filled_from_the_log_with_the_same_bytes(folded: ViewHarness) -> None:
    shutil.rmtree(disk(folded))

    opened = await folded.open_view()
    await opened.pump()

    assert opened.rows() == folded.expected
    await opened.task.close()


async def test_a_damaged_disk_is_wiped_and_filled_again(folded: ViewHarness, caplog: pytest.LogCaptureFixture) -> None:
    for manifest in disk(folded).glob("MANIFEST*"):
        manifest.write_bytes(b"damaged")

    await folds_anew(folded)

    assert "it is damaged" in caplog.text


async def test_a_view_that_is_ahead_of_the_log_stops_and_keeps_its_rows_until_the_loss_is_accepted(folded: ViewHarness) -> None:
    store = StateStore(disk(folded))
    row = Subscription(folded.model.agent, folded.orders).row
    store.write([(positions.prefix + row.encode(), positions.encode(InputPosition("any", 1_000_000)))])
    store.close()

    await stops_until_the_loss_is_accepted(folded, "below 1000000, up to where this view has read it")


async def test_a_view_whose_log_was_created_again_stops_and_keeps_its_rows_until_the_loss_is_accepted(folded: ViewHarness) -> None:
    await folded.recreate(folded.orders)
    await folded.write_events(("a", 1), ("b", 1), ("a", 2))

    await stops_until_the_loss_is_accepted(folded, "was deleted and created again")


async def test_a_view_of_another_cluster_stops_and_keeps_its_rows_until_the_loss_is_accepted(folded: ViewHarness) -> None:
    store = StateStore(disk(folded))
    identity = view_identities.committed(store, ROW)
    assert identity is not None
    store.write([(view_identities.prefix + ROW.encode(), view_identities.encode(replace(identity, cluster_id="another")))])
    store.close()

    await stops_until_the_loss_is_accepted(folded, "of the Kafka cluster another")


async def stops_until_the_loss_is_accepted(folded: ViewHarness, reason: str) -> None:
    """Open the view, which must stop and keep its rows. Once the operator accepts the loss, it rebuilds them from the log."""
    opened = await folded.open_view()
    await opened.task.close()
    assert reason in opened.task.stop_reason
    store = StateStore(disk(folded))
    assert [*store.scan(positions.prefix)], "the rows are kept"
    store.close()

    opened = await folded.open_view(accept_loss=True)
    assert opened.flow.starts == [dict.fromkeys(folded.model.events, 0)]
    await opened.pump()
    assert opened.versions() == {"a": 2, "b": 1}
    await opened.task.close()


async def test_a_disk_that_fails_under_an_open_view_is_wiped_and_filled_again(folded: ViewHarness, caplog: pytest.LogCaptureFixture) -> None:
    opened = await folded.open_view()
    opened.task.store.close()

    await folded.write_events(("a", 3))
    await opened.pump()

    assert "StateStoreError" in caplog.text
    assert opened.versions() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_a_log_that_begins_above_the_position_stops_the_view_until_the_loss_is_accepted(folded: ViewHarness) -> None:
    await folded.write_events(("b", 2), ("a", 3))
    await folded.delete_before(folded.orders, 4)

    opened = await folded.open_view()
    await opened.task.close()
    assert "1 records" in opened.task.stop_reason
    assert "--accept-loss" in opened.task.stop_reason

    opened = await folded.open_view(accept_loss=True)
    await opened.pump()
    assert opened.versions() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_a_view_that_is_taken_over_again_in_place_goes_on(folded: ViewHarness) -> None:
    opened = await folded.open_view()
    for _ in range(3):
        opened.task.retake()
    await folded.write_events(("a", 3))

    await opened.pump()

    assert opened.versions() == {"a": 3, "b": 1}
    await opened.task.close()
