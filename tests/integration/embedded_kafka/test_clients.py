"""Broker that clients use when none is configured: that of the data directory, and no other."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.embedded_kafka.status import Status, located
from app.errors import FoldstreamError
from app.settings import Settings
from app.topics import admin
from tests.conftest import FreePort, RunningKafka


async def test_clients_find_the_broker_of_the_data_directory_on_whichever_port_it_runs(kafka: RunningKafka, free_port: FreePort) -> None:
    settings = located(Settings(datadir=kafka.embedded.home.root.parent, kafka_port=free_port(), topic_prefix="absent."))

    found = await admin.check(settings)

    assert settings.bootstrap == kafka.bootstrap
    assert "absent.results: missing" in found


def test_where_no_broker_runs_clients_look_on_the_port_of_the_settings(tmp_path: Path) -> None:
    settings = located(Settings(datadir=tmp_path, kafka_port=23_456))

    assert settings.bootstrap == "127.0.0.1:23456"


def test_a_broker_that_died_is_not_looked_for_where_it_ran(tmp_path: Path) -> None:
    settings = Settings(datadir=tmp_path, kafka_port=23_456)
    settings.home.root.mkdir()

    Status(os.getpid(), 23_457).write(settings.home.running)

    assert located(settings).bootstrap == "127.0.0.1:23456"


@pytest.mark.parametrize("command", [admin.apply, admin.check, admin.refuse_start])
async def test_the_broker_of_another_data_directory_is_not_talked_to(
    command: Callable[[Settings], Awaitable[object]], kafka: RunningKafka, tmp_path: Path
) -> None:
    settings = Settings(datadir=tmp_path, kafka_port=kafka.embedded.port)

    with pytest.raises(FoldstreamError, match=r"another data directory .* set FOLDSTREAM_DATADIR"):
        await command(settings)


async def test_a_broker_that_is_named_is_talked_to_whatever_the_data_directory(kafka: RunningKafka, tmp_path: Path) -> None:
    settings = Settings(datadir=tmp_path, broker=kafka.bootstrap, topic_prefix="absent.")

    assert "absent.results: missing" in await admin.check(settings)
