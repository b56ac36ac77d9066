"""Derivation of ids: it may never change, because ids stay in the log for ever."""

import pytest

from app.eventsourcing.ids import event_id


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("Order", "o-1", "c-1", 0), "788f0ed7478597c524bbd8756b8712d8"),
        (("Product", "p-1", "c-1", 1), "a5f4b3cb23aebec6fa27e9eb0c6e364b"),
        (("Product", "p-1", "c-1", 1, "o-1"), "566b35f823e1866cacf7831490aaa529"),
    ],
)
def test_an_event_id_is_what_it_was_in_every_version_before(parts: tuple[str, str, str, int], expected: str) -> None:
    assert event_id(*parts) == expected


def test_one_command_id_used_for_two_orders_gives_different_event_ids() -> None:
    assert len({event_id("Product", "p-1", "c-1", 0, order_id) for order_id in (None, "o-1", "o-2")}) == 3
