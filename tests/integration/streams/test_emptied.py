"""Topics emptied by retention: no loss if they were read to the end, whatever followed the last record. An unread record is a loss."""

from tests.support.streams.harness import Harness
from tests.support.streams.view_harness import ViewHarness
from tests.support.waiting import until


async def read_in_transactions(harness: Harness) -> None:
    """Count a=1, b=1 from a topic that ends with a commit marker."""
    opened = await harness.open()
    await harness.send(("a", b""), transactional_id="sender")
    await harness.send(("b", b""), transactional_id="sender")
    await opened.pump()
    await opened.fall_idle()
    await opened.task.close()


async def test_a_topic_that_was_emptied_after_it_was_read_is_no_loss(harness: Harness) -> None:
    await read_in_transactions(harness)
    await harness.delete_before(harness.commands, await harness.end(harness.commands))

    opened = await harness.open(worker="another")
    assert not opened.task.stopped
    await harness.send(("a", b""))
    await opened.pump()

    await harness.expect_counts(a=2, b=1)
    await opened.task.close()


async def test_a_record_that_was_deleted_behind_them_before_it_was_read_is_a_loss(harness: Harness) -> None:
    await read_in_transactions(harness)
    await harness.send(("a", b""))
    await harness.delete_before(harness.commands, await harness.end(harness.commands))

    opened = await harness.open()

    assert "up to 1 records" in opened.task.stop_reason
    await opened.task.close()


async def test_a_task_that_is_taken_over_in_place_goes_on_behind_the_markers(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""), transactional_id="sender")
    await opened.pump()
    await opened.fall_idle()
    await harness.delete_before(harness.commands, await harness.end(harness.commands))

    await opened.task.rewind()

    assert opened.flow.starts[-1] == {harness.commands: await harness.end(harness.commands)}
    await opened.task.close()


async def test_what_was_fetched_under_another_opening_moves_nothing(harness: Harness) -> None:
    opened = await harness.open()
    before = opened.task.opening
    await opened.task.rewind()

    assert opened.task.read_up_to(before, {harness.commands: 7}) == {harness.commands: 0}
    assert opened.task.read_up_to(opened.task.opening, {harness.commands: 7}) == {harness.commands: 7}
    await opened.task.close()


async def test_a_rebuild_goes_on_where_the_group_was_when_nothing_else_is_left_of_the_topic(harness: Harness) -> None:
    await read_in_transactions(harness)
    end = await harness.end(harness.commands)
    await harness.set_group_offset(end)
    await harness.delete_before(harness.commands, end)
    await harness.recreate(harness.settings.changelog)

    opened = await harness.open()

    assert not opened.task.stopped
    assert opened.position == end
    await opened.task.close()


async def test_a_view_keeps_that_it_has_read_the_markers_too(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), transactional=True)
    await opened.pump()
    end = await views.end(views.orders)

    opened.task.keep_position({views.orders: end})
    await until(lambda: opened.position(views.orders) == end, within_s=30)
    await opened.task.close()

    opened = await views.open_view()
    assert opened.position(views.orders) == end
    await opened.task.close()
