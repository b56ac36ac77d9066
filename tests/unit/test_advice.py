"""One line for every error of Kafka, whatever aiokafka puts into it."""

import pytest
from aiokafka import errors

from app.diagnosis.kafka_errors import explained, topics_of


@pytest.mark.parametrize(
    ("about", "named"),
    [((), set()), (("events.order",), {"events.order"}), (({"a", "b"},), {"a", "b"}), (([],), set()), ((29,), {"29"}), (("events.order", 3), {"events.order"})],
)
def test_the_topics_of_an_error_are_found_in_whatever_it_holds(about: tuple[object, ...], named: set[str]) -> None:
    error = errors.TopicAuthorizationFailedError(*about)

    assert topics_of(error) == named
    assert "give this worker's user Describe, Read and Write on it" in explained(error)


@pytest.mark.parametrize(
    "error", [RuntimeError(), RuntimeError("one", 2), errors.KafkaError(), errors.NodeNotReadyError("node", 1), OSError(28, "No space left")]
)
def test_every_error_has_one_line(error: Exception) -> None:
    assert explained(error)
    assert "\n" not in explained(error)


def test_the_cause_of_an_error_explains_it() -> None:
    error = RuntimeError("what follows")
    error.__cause__ = errors.GroupAuthorizationFailedError("foldstream")

    assert "consumer group foldstream" in explained(error)
