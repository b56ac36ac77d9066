"""Parts of aiokafka are replaced by a call; a program without that call does not get as far as Kafka."""

from typing import cast
from unittest.mock import AsyncMock

import pytest
from aiokafka.client import AIOKafkaClient

from app.settings import Settings
from app.streams.aiokafka_patches import sender, throttling
from app.streams.application import application
from app.streams.kafka.reader import reader
from app.streams.kafka.transactions import producer
from app.streams.runtime.transport import Transport

NOWHERE = Settings(broker="127.0.0.1:1")


@pytest.fixture(autouse=True)
def as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo the replacement that is made last."""
    monkeypatch.setattr(AIOKafkaClient, "send", throttling._send)  # noqa: SLF001 (aiokafka's own)


def test_declaring_an_application_replaces_nothing() -> None:
    application(NOWHERE)

    with pytest.raises(RuntimeError, match=r"sender\.install"):
        sender.check_installed()


async def test_a_program_that_replaced_nothing_gets_neither_a_reader_nor_a_producer() -> None:
    with pytest.raises(RuntimeError, match=r"sender\.install"):
        reader(NOWHERE.bootstrap)
    with pytest.raises(RuntimeError, match=r"sender\.install"):
        producer(NOWHERE.bootstrap, "an id")


async def test_a_worker_that_replaced_nothing_does_not_start() -> None:
    transport = cast("Transport", application(NOWHERE).transport)

    with pytest.raises(RuntimeError, match=r"sender\.install"):
        transport.create_consumer(AsyncMock())
