"""Timestamps as text: exact to the millisecond, or the nearest possible one for any number that a sender writes."""

import re

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.fields import TIMESTAMP
from schemas.timestamp import milliseconds, rfc3339

FIRST, LAST = "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"


@for_all(st.integers(milliseconds(FIRST), milliseconds(LAST)))
def test_a_time_that_can_be_said_is_said_to_the_millisecond(timestamp_ms: int) -> None:
    assert milliseconds(rfc3339(timestamp_ms)) == timestamp_ms


@for_all(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_any_number_is_a_time_of_the_contract_and_later_ones_are_not_earlier(one_ms: int, other_ms: int) -> None:
    assert re.fullmatch(TIMESTAMP, rfc3339(one_ms))
    assert (rfc3339(min(one_ms, other_ms))) <= rfc3339(max(one_ms, other_ms))


@pytest.mark.parametrize(
    ("timestamp_ms", "text"),
    [
        (-1, "1969-12-31T23:59:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_764_000_000, "1970-01-21T10:00:00.000Z"),
        (1_764_000_000_000_000, "9999-12-31T23:59:59.999Z"),
        (-(2**63), "0001-01-01T00:00:00.000Z"),
    ],
    ids=["none", "zero", "seconds", "microseconds", "least"],
)
def test_times_of_other_units_are_times_too(timestamp_ms: int, text: str) -> None:
    assert rfc3339(timestamp_ms) == text
