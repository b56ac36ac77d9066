"""Section 1 of the contract: the topics as they are on a real broker."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.domain.registry import FEEDS
from app.errors import FoldstreamError
from app.settings import Settings
from app.topics import admin
from app.topics.contract import Topic, topics
from tests.support.foldstream import ROOT, foldstream

PATIENCE_S = 10


def test_the_topics_are_those_of_the_contract() -> None:
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    table = page.split("| topic | key |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])}

    feeds = {f"foldstream-{feed}-feed" for feed in FEEDS}
    assert {topic.name for topic in topics(Settings())} == named - {"foldstream-<feed>-feed"} | feeds


async def test_applied_topics_are_as_the_contract_says(environment: Settings) -> None:
    created = await admin.apply(environment)

    assert created == [topic.name for topic in topics(environment)]
    assert await admin.check(environment) == []


async def test_applying_again_creates_nothing(applied: Settings) -> None:
    assert await admin.apply(applied) == []


async def test_a_missing_topic_is_reported_and_refuses_the_start(environment: Settings) -> None:
    assert f"{environment.topic('results')}: missing" in await admin.check(environment)
    with pytest.raises(FoldstreamError, match="foldstream topics apply"):
        await admin.refuse_start(environment)


async def test_asking_for_topics_creates_none(environment: Settings) -> None:
    before = await admin.check(environment)

    assert await admin.check(environment) == before


async def test_the_start_is_not_refused_when_the_topics_are_there(applied: Settings) -> None:
    await admin.refuse_start(applied)


async def test_another_number_of_partitions_is_reported_and_refuses_the_start(applied: Settings) -> None:
    topic = applied.topic("parked")
    await _with_admin(applied, lambda client: client.create_partitions({topic: NewPartitions(5)}))

    assert await _differences(applied, 1) == [f"{topic}: partitions is 5, should be 4"]
    with pytest.raises(FoldstreamError, match=f"{topic}: partitions is 5"):
        await admin.refuse_start(applied)


@pytest.mark.control
async def test_a_start_on_other_topics_that_is_not_refused_is_found(applied: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def accept(_settings: Settings) -> None:
        """Accept any topics."""

    monkeypatch.setattr(admin, "refuse_start", accept)

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await test_another_number_of_partitions_is_reported_and_refuses_the_start(applied)


async def test_every_setting_that_differs_is_a_line_and_does_not_refuse_the_start(applied: Settings) -> None:
    wanted = {topic.name: topic for topic in topics(applied)}[applied.topic("commands.order")]
    others = {
        "cleanup.policy": "compact",
        "retention.ms": "1",
        "retention.bytes": "1",
        "min.insync.replicas": "2",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": "2000000",
    }
    await _with_admin(applied, lambda client: client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, wanted.name, others)]))

    found = await _differences(applied, len(others))

    assert sorted(found) == sorted(f"{wanted.name}: {key} is {value}, should be {wanted.config[key]}" for key, value in others.items())
    await admin.refuse_start(applied)


async def test_a_start_on_timestamps_of_another_clock_is_warned_about_for_each_topic(applied: Settings, caplog: pytest.LogCaptureFixture) -> None:
    names = {applied.topic("commands.order"): "CreateTime", applied.topic("results"): "LogAppendTime"}
    types = [ConfigResource(ConfigResourceType.TOPIC, name, {"message.timestamp.type": kind}) for name, kind in names.items()]
    await _with_admin(applied, lambda client: client.alter_configs(types))
    await _differences(applied, len(types))

    await admin.refuse_start(applied)

    warned = [message for message in caplog.messages if "message.timestamp.type" in message]
    assert [message.partition(", should be")[0] for message in warned] == [f"{name}: message.timestamp.type is {kind}" for name, kind in names.items()]


async def test_another_replication_is_a_line(applied: Settings) -> None:
    wanted = applied.model_copy(update={"replication": 2})

    found = await admin.check(wanted)

    assert f"{applied.changelog}: replication is 1, should be 2" in found


async def test_more_replicas_than_brokers_is_an_error_that_names_the_setting(environment: Settings) -> None:
    with pytest.raises(FoldstreamError, match="FOLDSTREAM_REPLICATION"):
        await admin.apply(environment.model_copy(update={"replication": 3}))


def test_a_command_topic_keeps_what_the_broker_appended_for_seven_days() -> None:
    config = _named("commands.order").config

    assert config["retention.ms"] == "604800000"
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["max.message.bytes"] == "1048576"


@pytest.mark.parametrize("name", ["events.order", "events.product", "events.customer", "events.saga", "parked"])
def test_a_log_of_record_is_never_deleted(name: str) -> None:
    config = _named(name).config

    assert config["cleanup.policy"] == "delete"
    assert config["retention.ms"] == config["retention.bytes"] == "-1"


def test_what_time_deletes_no_default_limit_on_bytes_cuts_short() -> None:
    deleted = [topic.config for topic in topics(Settings()) if topic.config["cleanup.policy"] == "delete"]

    assert {config["retention.bytes"] for config in deleted} == {"-1"}


@pytest.mark.parametrize(("replication", "minimum"), [(1, "1"), (2, "1"), (3, "2")])
def test_one_replica_may_be_out_of_sync(replication: int, minimum: str) -> None:
    assert {topic.config["min.insync.replicas"] for topic in topics(Settings(replication=replication))} == {minimum}


def test_two_environments_share_no_topic() -> None:
    one, other = ({topic.name for topic in topics(Settings(topic_prefix=prefix))} for prefix in ("", "other."))

    assert not one & other


def test_the_command_creates_reports_and_ends_with_1_on_a_difference(environment: Settings) -> None:
    chosen: dict[str, Any] = {"broker": environment.broker, "topic_prefix": environment.topic_prefix, "app_id": environment.app_id, "replication": 1}

    before, applied, after = (foldstream("topics", word, **chosen) for word in ("check", "apply", "check"))

    assert (before.returncode, applied.returncode, after.returncode) == (1, 0, 0)
    assert before.stdout.count(": missing") == applied.stdout.count("created ") == len(topics(environment))


async def _differences(settings: Settings, count: int) -> list[str]:
    """Return the differences that `check` finds, once there are this many. A broker applies changes late."""
    async with asyncio.timeout(PATIENCE_S):
        while len(found := await admin.check(settings)) < count:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return found


async def _with_admin(settings: Settings, change: Callable[[AIOKafkaAdminClient], Awaitable[object]]) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await client.start()
    try:
        await change(client)
    finally:
        await client.close()


def _named(name: str) -> Topic:
    return next(topic for topic in topics(Settings()) if topic.name == name)
