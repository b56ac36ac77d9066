"""Position outside of its topic's offsets: history or input was lost, which is never passed over in silence."""

import pytest

from app.streams.errors import DataLossDetected
from app.streams.state.positions import check


@pytest.mark.parametrize("offset_next", [10, 15, 20])
def test_a_position_between_the_first_offset_and_the_end_stands(offset_next: int) -> None:
    assert check("t", offset_next, 10, 20, accept_loss=False) == offset_next


@pytest.mark.parametrize(("offset_next", "said"), [(21, "its end is lost"), (9, "1 records of t were deleted")])
def test_another_stops_and_says_what_to_do(offset_next: int, said: str) -> None:
    with pytest.raises(DataLossDetected, match=said) as lost:
        check("t", offset_next, 10, 20, accept_loss=False)

    assert "--accept-loss" in str(lost.value)


@pytest.mark.parametrize(("offset_next", "goes_on_at"), [(21, 20), (9, 10)])
def test_or_goes_on_at_the_nearest_record_when_told(offset_next: int, goes_on_at: int) -> None:
    assert check("t", offset_next, 10, 20, accept_loss=True) == goes_on_at
