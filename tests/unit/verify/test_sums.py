"""Totals that verify prints."""

from app.verify.totals import Totals


def views(sums: Totals) -> list[str]:
    """Return the lines about views."""
    return [line for line in sums.lines() if line.startswith("views: ")]


def test_views_that_nobody_serves_are_said_once_to_be_unchecked() -> None:
    sums = Totals()
    for partition in range(4):
        sums.unserved(partition, "no worker serves them")

    assert views(sums) == ["views: unchecked (no worker serves them)"]


def test_where_some_are_served_the_others_are_named() -> None:
    sums = Totals()
    sums.view("history", 7)
    for partition in (1, 3):
        sums.unserved(partition, "no worker serves them")

    assert views(sums) == ["views: 7 of history compared", "views: unchecked in partition 1, 3 (no worker serves them)"]
