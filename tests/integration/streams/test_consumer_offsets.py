"""Questions to a consumer about offsets: they neither wait for ever nor disturb its group."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.streams.runtime.consumer_thread import commit, known_positions
from tests.conftest import RunningKafka
from tests.support.streams import membership_scenarios
from tests.support.streams.membership_scenarios import committed_while_joining


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a long timeout for commits."""
    monkeypatch.setattr("app.streams.runtime.consumer_thread.COMMIT_S", 60.0)


@pytest.fixture
async def sought(kafka: RunningKafka, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer with a position in the first partition, but not in the second."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="none") as consumer:
        consumer.assign([TopicPartition(topic, 0), TopicPartition(topic, 1)])
        consumer.seek(TopicPartition(topic, 0), 7)
        yield consumer


async def test_a_position_that_is_not_known_yet_is_left_out(sought: AIOKafkaConsumer, topic: str) -> None:
    assert known_positions(sought, [TP(topic, 0), TP(topic, 1), TP("another", 0)]) == {TP(topic, 0): 7}


@pytest.mark.control
async def test_asking_aiokafka_for_it_would_wait_until_somebody_seeks(sought: AIOKafkaConsumer, topic: str) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sought.position(TopicPartition(topic, 1)), timeout=1)


@pytest.mark.usefixtures("patient")
async def test_offsets_that_would_be_committed_in_the_middle_of_a_join_start_no_other_join(kafka: RunningKafka, topic: str) -> None:
    await committed_while_joining(kafka.bootstrap, topic)


@pytest.mark.control
@pytest.mark.usefixtures("patient")
async def test_without_waiting_for_the_group_to_settle_each_join_starts_another(kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    always = SimpleNamespace(settled=True)
    monkeypatch.setattr(membership_scenarios, "commit", lambda consumer, _, offsets: commit(consumer, always, offsets))  # type: ignore[arg-type]  # this is all that it asks for

    with pytest.raises(AssertionError, match="joined again"):
        await committed_while_joining(kafka.bootstrap, topic)
