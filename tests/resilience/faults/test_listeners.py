"""Messages of a worker about a broker that it cannot work with: the cause and what to do, in one line."""

import logging
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from app.errors import FoldstreamError
from app.settings import Settings
from app.topics import admin
from tests.support.faults.rights import GuardedKafka
from tests.support.streams.harness import Harness


@pytest.fixture
async def harness(guarded: GuardedKafka, tmp_path: Path) -> Harness:
    """Return topics on the broker with access rights."""
    harness = Harness(guarded.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.mark.parametrize("listener", ["TLS", "SASL"])
async def test_a_listener_that_speaks_what_foldstream_does_not_is_named(guarded: GuardedKafka, listener: str) -> None:
    said = await refused(Settings(broker=guarded.address(listener)))

    assert f"{guarded.address(listener)} speaks {listener}" in said
    assert "PLAINTEXT" in said


async def test_an_address_at_which_nothing_is_is_not_taken_for_one_of_these(guarded: GuardedKafka) -> None:
    assert "no Kafka answers" in await refused(Settings(broker=guarded.advertised))


async def test_an_advertised_address_that_cannot_be_reached_is_named(guarded: GuardedKafka) -> None:
    said = await refused(Settings(broker=guarded.address("ASTRAY")))

    assert f"its brokers are at {guarded.advertised} (advertised.listeners)" in said


async def test_a_session_time_out_that_the_broker_does_not_take_refuses_the_start(guarded: GuardedKafka) -> None:
    with pytest.raises(FoldstreamError, match=r"FOLDSTREAM_SESSION_TIMEOUT_S is 5, .* takes 6 to 1800 seconds"):
        await admin.check_session(Settings(broker=guarded.bootstrap, session_timeout_s=5))

    await admin.check_session(Settings(broker=guarded.bootstrap, session_timeout_s=6))


async def test_a_quota_that_is_used_up_is_named(guarded: GuardedKafka, harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    guarded.limit("limited", 1)

    with caplog.at_level(logging.WARNING, "app.streams.aiokafka_patches.throttling"):
        async with AIOKafkaProducer(bootstrap_servers=guarded.bootstrap, client_id="limited") as producer:
            await producer.send_and_wait(harness.commands, b"x" * 150)

    assert "a quota of its user or client id is used up" in caplog.text


async def refused(settings: Settings) -> str:
    """Return the line with which a worker with these settings refuses to start."""
    with pytest.raises(FoldstreamError) as error:
        await admin.refuse_start(settings)
    [line] = error.value.lines
    return str(line)
