"""Ids stand in the log for ever: how they are derived may never change."""

import pytest

from app.domain.ids import event_id


@pytest.mark.parametrize(
    ("aggregate_type", "aggregate_id", "index", "expected"),
    [
        ("Order", "o-1", 0, "788f0ed7478597c524bbd8756b8712d8"),
        ("Product", "p-1", 1, "a5f4b3cb23aebec6fa27e9eb0c6e364b"),
    ],
)
def test_an_event_id_is_what_it_was_in_every_version_before(aggregate_type: str, aggregate_id: str, index: int, expected: str) -> None:
    assert event_id(aggregate_type, aggregate_id, "c-1", index) == expected
