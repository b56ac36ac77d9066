"""Memory of fetched records: it is freed with the answer, without waiting for the cycle collector, which seldom runs in a worker."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords

from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.reader import ONE_BATCH, reading
from app.web.monitoring import lag
from app.web.queries import event_pages as log_pages
from app.web.queries.event_pages import EventPages
from app.web.queries.log_position import LogPosition
from tests.conftest import RunningKafka
from tests.support.workers.environment import Environment
from tests.support.workers.written import PRODUCT, intact

TIMES = 5


@pytest.fixture
async def settings(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Settings]:
    """Yield the settings of a log with three events of one product. The cycle collector is off."""
    environment = Environment(kafka.bootstrap, tmp_path)
    await environment.create_topics()
    await intact().write(environment.settings)
    gc.collect()
    gc.disable()
    yield environment.settings
    gc.enable()


async def test_pages_of_the_log_leave_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pages, "SCAN_S", 60.0)
    monkeypatch.setattr(log_pages, "ANSWER_S", 60.0)
    pages = EventPages(settings, {"ProductRegistered": settings.topic("events.product")})
    position = LogPosition("ProductRegistered", 0, (0,) * settings.partitions)
    for _ in range(TIMES):
        assert len((await pages.page(position, 1)).events) == 1
    await pages.close()

    assert _left() == 0


async def test_the_lag_leaves_nothing(settings: Settings) -> None:
    assert await _left_by(settings, lambda consumer, where: lag._age_s(consumer, where, 0)) == 0  # noqa: SLF001


@pytest.mark.control
async def test_aiokafka_leaves_what_it_was_asked_for_in_part(settings: Settings) -> None:
    async def one(consumer: AIOKafkaConsumer, where: TopicPartition) -> None:
        consumer.seek(where, 0)
        assert await consumer.getmany(where, timeout_ms=5_000, max_records=1)

    assert await _left_by(settings, one) > 1


async def _left_by(settings: Settings, ask: Callable[[AIOKafkaConsumer, TopicPartition], Awaitable[Any]]) -> int:
    """Return the number of fetched objects left after asking about a partition several times."""
    where = TopicPartition(settings.topic("events.product"), partition_of(PRODUCT.encode(), settings.partitions))
    async with reading(settings.bootstrap, ONE_BATCH) as consumer:
        consumer.assign([where])
        for _ in range(TIMES):
            await ask(consumer, where)
    return _left()


def _left() -> int:
    return sum(isinstance(each, PartitionRecords) for each in gc.get_objects())
