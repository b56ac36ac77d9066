"""Topics of the contract (section 1) as the broker should have them, and their comparison with the topics that it has."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from app.domain.registry import DECIDERS, EVENT_SOURCED, FEEDS, SAGAS
from app.settings import Settings

AGGREGATES = tuple(decider.topic for decider in DECIDERS)
"""Aggregate types that take commands, by the names in their topics: in lower case."""

LOGS = tuple(decider.topic for decider in EVENT_SOURCED)
"""Everything that has a log of record: the aggregate types, and the sagas."""

INBOXES = {saga.decider.topic: f"saga.{saga.name}" for saga in SAGAS}
"""Inboxes of the sagas: results of their commands, and commands of operators."""

TIMESTAMP_TYPE = "message.timestamp.type"
"""Topic setting that selects the clock of record timestamps: the broker's on append, or the sender's."""

DAY_MS = 24 * 60 * 60 * 1000
COMMAND_BYTES = 1 << 20
RECORD_BYTES = 4 << 20

Config = Mapping[str, str]


class Topic(NamedTuple):
    """Topic on a broker. `config` holds the topic settings that the contract fixes, under Kafka's names."""

    name: str
    partitions: int
    replication: int
    config: Config


def topics(settings: Settings) -> list[Topic]:
    """Return the topics that this environment needs, with their names on the broker."""
    return [_topic(settings, name, config) for name, config in _configs(settings).items()]


def command_topic(settings: Settings, aggregate: str) -> str:
    """Return the topic for commands to this aggregate type (`Order`, `Product`, `Customer`; `Saga`: its inbox)."""
    name = aggregate.lower()
    return settings.topic(INBOXES.get(name, f"commands.{name}"))


def event_topic(settings: Settings, aggregate: str) -> str:
    """Return the log of record of this aggregate type (`Order`, `Product`, `Customer`, `Saga`)."""
    return settings.topic(f"events.{aggregate.lower()}")


def feed_topic(settings: Settings, feed: str) -> str:
    """Return the topic of a feed, in which a read model sends records to another partition's."""
    return settings.topic(f"{settings.app_id}-{feed}-feed")


def differences(wanted: Topic, found: Topic | None) -> Iterator[str]:
    """Yield a line for each difference from the contract. `found` is None if the topic is missing."""
    if found is None:
        yield f"{wanted.name}: missing"
        return
    pairs = [
        ("partitions", found.partitions, wanted.partitions),
        ("replication", found.replication, wanted.replication),
        *((key, found.config.get(key), value) for key, value in wanted.config.items()),
    ]
    yield from (f"{wanted.name}: {what} is {actual}, should be {expected}" for what, actual, expected in pairs if actual != expected)


def _topic(settings: Settings, name: str, config: Config) -> Topic:
    common = {TIMESTAMP_TYPE: "CreateTime", "max.message.bytes": str(RECORD_BYTES), "min.insync.replicas": str(max(1, settings.replicas - 1))}
    return Topic(name, settings.partitions, settings.replicas, common | dict(config))


def _configs(settings: Settings) -> dict[str, Config]:
    contract: dict[str, Config] = {
        **{f"commands.{aggregate}": _deleted(7) | _APPEND_TIME | {"max.message.bytes": str(COMMAND_BYTES)} for aggregate in AGGREGATES},
        **{f"events.{aggregate}": _KEPT for aggregate in LOGS},
        "results": _deleted(7),
        **dict.fromkeys(INBOXES.values(), _deleted(7) | _APPEND_TIME),
        "integration.order": _deleted(30),
        "notifications.order": _deleted(1),
        "parked": _KEPT,
        "owners": _COMPACTED,
    }
    changelog = _COMPACTED | {"delete.retention.ms": str(7 * DAY_MS)}
    feeds = {feed_topic(settings, feed): _KEPT for feed in FEEDS}
    return {settings.topic(name): config for name, config in contract.items()} | {settings.changelog: changelog} | feeds


def _deleted(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), "retention.bytes": _UNBOUNDED}


_UNBOUNDED = "-1"
"""No limit on bytes, so that only time deletes. A cluster's default limit must cut neither the log of record nor a command that waits for its worker."""

_APPEND_TIME = {TIMESTAMP_TYPE: "LogAppendTime"}
_COMPACTED = {"cleanup.policy": "compact"}
_KEPT = {"cleanup.policy": "delete", "retention.ms": _UNBOUNDED, "retention.bytes": _UNBOUNDED}
"""Configuration of topics whose records are never deleted."""
