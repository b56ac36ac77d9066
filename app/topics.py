"""Every topic of the contract (section 1) as the broker should have it, and how what it has differs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from app.domain.registry import DECIDERS
from app.settings import Settings

AGGREGATES = tuple(decider.topic for decider in DECIDERS)
"""What takes commands; an aggregate type's topic bears its name in lower case."""

INBOX = "saga.order-fulfilment"
"""What the fulfilment saga hears: results of its commands, and what operators want of it."""

CUSTOMER_NAME = "customer-name"
"""The feed that tells orders who ordered them; its key is an order's id."""

ORDERING = "ordering"
"""The feed that tells customers who ordered; its key is a customer's id."""

TIMESTAMP_TYPE = "message.timestamp.type"
"""The setting that says whose clock a record's timestamp is: the broker's when it appends, or the sender's."""

DAY_MS = 24 * 60 * 60 * 1000
COMMAND_BYTES = 1 << 20
RECORD_BYTES = 4 << 20

Config = Mapping[str, str]


class Topic(NamedTuple):
    """A topic on a broker; `config` holds the topic settings that the contract fixes, by Kafka's names for them."""

    name: str
    partitions: int
    replication: int
    config: Config


def topics(settings: Settings) -> list[Topic]:
    """The topics that this environment needs, under their names on the broker."""
    return [_topic(settings, name, config) for name, config in _configs(settings).items()]


def command_topic(settings: Settings, aggregate: str) -> str:
    """Where commands to this kind of aggregate (`Order`, `Product`, `Customer`; `Saga`: its inbox) are written."""
    return settings.topic(INBOX if aggregate.lower() == "saga" else f"commands.{aggregate.lower()}")


def is_inbox(topic: str) -> bool:
    """True for the inbox of a saga, given by its name on the broker."""
    return topic.endswith(INBOX)


def event_topic(settings: Settings, aggregate: str) -> str:
    """The log of record of this kind of aggregate (`Order`, `Product`, `Customer`, `Saga`)."""
    return settings.topic(f"events.{aggregate.lower()}")


def feed_topic(settings: Settings, feed: str) -> str:
    """Where one read model tells another partition's."""
    return settings.topic(f"{settings.app_id}-{feed}-feed")


def differences(wanted: Topic, found: Topic | None) -> Iterator[str]:
    """A line for each thing that is not as the contract says; None stands for a topic that is missing."""
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
        **{f"events.{aggregate}": _KEPT for aggregate in (*AGGREGATES, "saga")},
        "results": _deleted(7),
        INBOX: _deleted(7) | _APPEND_TIME,
        "integration.order": _deleted(30),
        "notifications.order": _deleted(1),
        "parked": _KEPT,
        "owners": _COMPACTED,
    }
    changelog = _COMPACTED | {"delete.retention.ms": str(7 * DAY_MS)}
    feeds = {feed_topic(settings, feed): _KEPT for feed in (ORDERING, CUSTOMER_NAME)}
    return {settings.topic(name): config for name, config in contract.items()} | {settings.changelog: changelog} | feeds


def _deleted(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS), "retention.bytes": _UNBOUNDED}


_UNBOUNDED = "-1"
"""Time alone deletes: a cluster's default limit on bytes must cut neither the log of record nor a command that waits for its worker."""

_APPEND_TIME = {TIMESTAMP_TYPE: "LogAppendTime"}
_COMPACTED = {"cleanup.policy": "compact"}
_KEPT = {"cleanup.policy": "delete", "retention.ms": _UNBOUNDED, "retention.bytes": _UNBOUNDED}
"""Never deleted."""
