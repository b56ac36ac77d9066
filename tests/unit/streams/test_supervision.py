"""The reasons that a task gives to operators, and which of them comes first."""

from app.errors import FoldstreamError
from app.streams.tasks.supervision import Supervision


async def test_the_reason_why_a_task_stays_closed_precedes_the_topics_that_it_no_longer_reads() -> None:
    supervision = Supervision()
    supervision.unreadable.update(a="a is damaged", b="b is damaged")
    assert supervision.stop_reason == "a is damaged; b is damaged"

    supervision.closed_for = "the log was cut"
    assert supervision.stop_reason == "the log was cut"


async def test_the_reason_of_a_pause_precedes_the_records_that_the_broker_does_not_return() -> None:
    supervision = Supervision()
    supervision.not_given["a"] = "a gives nothing"
    assert supervision.trouble(is_open=True) == "a gives nothing"
    assert not supervision.trouble(is_open=False)

    supervision.pauses.next_s(FoldstreamError("no answer"), was_open=False)
    assert "no answer" in supervision.trouble(is_open=False)
    assert supervision.trouble(is_open=True) == supervision.trouble(is_open=False), "the pause has not ended long ago"


async def test_a_task_that_was_open_is_restarted_at_once_after_its_first_failure_and_pauses_longer_after_each_further_one() -> None:
    pauses = Supervision().pauses

    found = [pauses.next_s(FoldstreamError("no answer"), was_open=True) for _ in range(6)]

    assert found == [0.0, 1.0, 2.0, 4.0, 5.0, 5.0]
