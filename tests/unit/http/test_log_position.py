"""Position among the events of a type: it survives a round trip, and no other text is accepted."""

from base64 import urlsafe_b64encode

import pytest

from app.web.http.problems import Problem
from app.web.queries.log_position import LogPosition

POSITION = LogPosition("OrderPlaced", 2, (0, 17, 4, 123_456_789))


def test_a_position_comes_back_as_it_was_given() -> None:
    assert LogPosition.parse(str(POSITION), "OrderPlaced", 4) == POSITION


@pytest.mark.parametrize(("event_type", "partitions"), [("OrderShipped", 4), ("OrderPlaced", 3), ("OrderPlaced", 5)])
def test_a_position_of_another_type_or_another_number_of_partitions_is_refused(event_type: str, partitions: int) -> None:
    with pytest.raises(Problem):
        LogPosition.parse(str(POSITION), event_type, partitions)


@pytest.mark.parametrize("text", ["", "x", "%%%", "é", "OrderPlaced 2 0,0", "OrderPlaced -1 0,0", "OrderPlaced 0 1,x"])
def test_what_no_page_gave_is_refused(text: str) -> None:
    for given in (text, urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(Problem):
            LogPosition.parse(given, "OrderPlaced", 2)
