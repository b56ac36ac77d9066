"""Unread commands: a timer is put off exactly while the group's position is below a command that it waits for."""

from typing import Any, cast

from aiokafka import TopicPartition

from app.settings import Settings
from app.streams.timers.unread_commands import Unread

ONE, OTHER = TopicPartition("commands.product", 1), TopicPartition("commands.customer", 0)


def unread(**known: dict[TopicPartition, int]) -> Unread:
    """Return the state after a question to the brokers.

    `read` has the group's positions, `first` the ends of the partitions at this incarnation's first question.
    """
    asked = Unread(cast("Any", None), Settings(), [ONE, OTHER])
    asked._read, asked._first = known.get("read", {}), known.get("first", {})  # noqa: SLF001 (what the brokers would have said)
    return asked


def test_a_command_of_this_opening_is_read_once_the_group_is_past_its_end_whatever_follows_it() -> None:
    asked = unread(read={ONE: 10}, first={ONE: 5})

    assert [asked.holds("a timer", [ONE], {ONE: end}) for end in (9, 10, 11)] == [False, False, True]


def test_a_command_of_an_earlier_opening_lies_below_the_end_that_its_partition_had_then() -> None:
    assert unread(read={ONE: 9}, first={ONE: 10}).holds("a timer", [ONE], {})
    assert not unread(read={ONE: 10}, first={ONE: 10}).holds("a timer", [ONE], {})


def test_all_commands_have_to_be_read_and_one_that_waits_for_none_is_not_put_off() -> None:
    asked = unread(read={ONE: 10}, first={ONE: 10, OTHER: 1})

    assert asked.holds("a timer", [ONE, OTHER], {})
    assert asked
    assert not unread(first={ONE: 10}).holds("a timer", [], {})
