"""Summary of a lag."""

from bench.lag import Lag


def test_a_lag_is_told_by_its_first_median_largest_and_last_sample() -> None:
    assert Lag("views", [5, 1_200, 7, 6, 4]).cells() == ("views", "5", "6", "1,200", "4")
