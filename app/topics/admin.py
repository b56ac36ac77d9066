"""Topics on the broker: create them, compare them with the contract, and refuse to start if they differ too much."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, KafkaConnectionError, KafkaError, NodeNotReadyError, TopicAlreadyExistsError

from app.diagnosis import listener
from app.diagnosis.kafka_errors import explained
from app.errors import FoldstreamError
from app.settings import Settings, variable
from app.topics.contract import TIMESTAMP_TYPE, Topic, differences, topics

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""Time after which a broker that has not answered counts as unreachable (seconds)."""

SESSION_RANGE = ("group.min.session.timeout.ms", "group.max.session.timeout.ms")
"""Broker settings that bound the session timeout of a consumer group."""

_POLL_S = 0.05


async def apply(settings: Settings) -> list[str]:
    """Create the missing topics and return their names. Existing topics are not changed."""
    async with _admin(settings) as admin:
        there = await _partitions(admin)
        missing = [topic for topic in topics(settings) if topic.name not in there]
        if missing:
            _accepted(await admin.create_topics([NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=topic.config) for topic in missing]))
        await _visible(admin, {topic.name for topic in missing})
    return [topic.name for topic in missing]


async def check(settings: Settings) -> list[str]:
    """Return one line for each difference between the broker's topics and the contract."""
    wanted = topics(settings)
    async with _admin(settings) as admin:
        found = await _found(admin, wanted)
    return [line for topic in wanted for line in differences(topic, found.get(topic.name))]


async def refuse_start(settings: Settings) -> None:
    """Raise FoldstreamError unless every topic exists with its number of partitions. Otherwise records would be lost or misrouted.

    Log a warning for a topic whose timestamp type is not the contract's: times in events and deadlines of orders come from record timestamps.
    """
    wanted = topics(settings)
    async with _admin(settings) as admin:
        found = await _found(admin, wanted)
    counts = [(topic, found[topic.name].partitions if topic.name in found else 0) for topic in wanted]
    wrong = [_refusal(topic, count) for topic, count in counts if count != topic.partitions]
    if wrong:
        raise FoldstreamError("the topics are not as they must be:", *wrong, *_advice_on_partitions(counts, settings))
    for topic in wanted:
        _warn_of_timestamps(topic, found[topic.name])


async def check_session(settings: Settings) -> None:
    """Raise FoldstreamError if the broker does not accept the session timeout of this worker. Do nothing if the broker does not report its range."""
    async with _admin(settings) as admin:
        node = (await admin.describe_cluster())["brokers"][0]["node_id"]
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(node), dict.fromkeys(SESSION_RANGE))])
    found = {entry[0]: int(entry[1]) / 1000 for _code, _message, _kind, _name, entries in answer.resources for entry in entries}
    if found.keys() == set(SESSION_RANGE):
        least_s, most_s = (found[name] for name in SESSION_RANGE)
        if not least_s <= settings.session_timeout_s <= most_s:
            raise FoldstreamError(
                f"{variable('session_timeout_s')} is {settings.session_timeout_s:g}, and Kafka at {settings.bootstrap} takes {least_s:g} to {most_s:g} seconds "
                f"({', '.join(SESSION_RANGE)}): set it within"
            )


async def members(settings: Settings, group: str) -> int:
    """Return the current number of members of a consumer group."""
    async with _admin(settings) as admin:
        described = await admin.describe_consumer_groups([group])
    return sum(len(members) for response in described for _code, _group, _state, _type, _protocol, members, *_ in response.groups)


def unreachable(settings: Settings) -> FoldstreamError:
    """Return the error for a broker that does not answer; it names the broker and what to do."""
    if settings.embedded:
        return FoldstreamError(f"no Kafka answers at {settings.bootstrap}: run `foldstream kafka start`, or set FOLDSTREAM_BROKER to the Kafka that you have")
    return FoldstreamError(f"no Kafka answers at {settings.bootstrap} (FOLDSTREAM_BROKER): check the address and that the broker runs")


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=int(ANSWER_S * 1000))
    try:
        await _start(admin, settings)
        async with asyncio.timeout(ANSWER_S):
            await _require_own(admin, settings)
            yield admin
    except (KafkaError, TimeoutError) as error:
        raise _not_asked(admin, settings, error) from error
    finally:
        await admin.close()


async def _start(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    try:
        async with asyncio.timeout(ANSWER_S):
            await admin.start()
    except (KafkaError, TimeoutError) as error:
        other = None if settings.embedded else await listener.described(settings.bootstrap)
        raise (FoldstreamError(other) if other else unreachable(settings)) from error


def _not_asked(admin: AIOKafkaAdminClient, settings: Settings, error: Exception) -> FoldstreamError:
    """Return the error for a broker that answered at first and then failed."""
    if isinstance(error, NodeNotReadyError | KafkaConnectionError):
        advertised = ", ".join(sorted(f"{broker.host}:{broker.port}" for broker in admin._client.cluster.brokers()))  # noqa: SLF001 (aiokafka has no public way to ask)
        return FoldstreamError(
            f"Kafka at {settings.bootstrap} answers, and says that its brokers are at {advertised} (advertised.listeners), which cannot be reached from here: "
            "correct advertised.listeners at the broker, or make that address reachable"
        )
    return FoldstreamError(f"Kafka at {settings.bootstrap} could not be asked about its topics: {explained(error)}")


async def _require_own(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Raise FoldstreamError if the broker on this port belongs to another data directory, which may have taken the port first."""
    if settings.embedded and (await admin.describe_cluster())["cluster_id"] != settings.home.cluster_id():
        raise FoldstreamError(
            f"at {settings.bootstrap} answers the Kafka of another data directory than {settings.datadir.absolute()}: set FOLDSTREAM_DATADIR to that one, "
            "or FOLDSTREAM_BROKER to use it all the same, or FOLDSTREAM_KAFKA_PORT to a free port and run `foldstream kafka start`"
        )


def _warn_of_timestamps(wanted: Topic, found: Topic) -> None:
    """Log a warning if a topic's timestamps come from the wrong clock. Do nothing if the broker does not report its configuration."""
    should_be, actual = wanted.config[TIMESTAMP_TYPE], found.config.get(TIMESTAMP_TYPE)
    if actual is not None and actual != should_be:
        message = "%s: %s is %s, should be %s: set it on the topic (`foldstream topics check` lists every difference)"
        log.warning(message, wanted.name, TIMESTAMP_TYPE, actual, should_be)


def _refusal(topic: Topic, partitions: int) -> str:
    if partitions == 0:
        return f"{topic.name}: missing; run `foldstream topics apply`"
    return f"{topic.name}: partitions is {partitions}, should be {topic.partitions}"


def _advice_on_partitions(counts: list[tuple[Topic, int]], settings: Settings) -> Iterator[str]:
    """Yield advice on topics that have the wrong number of partitions."""
    if any(count not in {0, topic.partitions} for topic, count in counts):
        yield (
            "set FOLDSTREAM_PARTITIONS to what the topics were created with. If partitions were added since, leave it at "
            f"{settings.partitions}: keys would belong to other partitions, and aggregates begin again. What was added cannot be removed: "
            f"copy the topics into new ones of {settings.partitions} partitions, under another FOLDSTREAM_TOPIC_PREFIX"
        )


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, list[dict[str, Any]]]:
    """Return the partitions of all existing topics. Asking for one topic by name could create it."""
    return {found["topic"]: found["partitions"] for found in await admin.describe_topics()}


async def _visible(admin: AIOKafkaAdminClient, names: set[str]) -> None:
    """Wait until the brokers know the topics that the controller created. The timeout of `_admin` bounds the wait."""
    while not names <= (await _partitions(admin)).keys():  # noqa: ASYNC110 (another process changes it)
        await asyncio.sleep(_POLL_S)


def _accepted(response: Any) -> None:  # noqa: ANN401 (aiokafka's responses have no types)
    for name, code, message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise FoldstreamError(f"the broker refused to create {name}: {message}{_advice(code)}")


def _advice(code: int) -> str:
    return f" Set {variable('replication')} to at most the number of brokers" if code == InvalidReplicationFactorError.errno else ""


async def _found(admin: AIOKafkaAdminClient, wanted: Iterable[Topic]) -> dict[str, Topic]:
    partitions = await _partitions(admin)
    there = [topic for topic in wanted if topic.name in partitions]
    configs = await _configs(admin, there)
    return {topic.name: Topic(topic.name, len(partitions[topic.name]), _replication(partitions[topic.name]), configs[topic.name]) for topic in there}


def _replication(partitions: list[dict[str, Any]]) -> int:
    return min(len(partition["replicas"]) for partition in partitions)


async def _configs(admin: AIOKafkaAdminClient, there: list[Topic]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.config)) for topic in there]
    responses = await admin.describe_configs(resources) if resources else []
    return {name: {entry[0]: entry[1] for entry in entries} for response in responses for _code, _message, _kind, name, entries in response.resources}
