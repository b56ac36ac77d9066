"""Forged events, which no command caused, appended to a real log."""

from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from app.client.log_reader import LogReader
from app.client.results import Json
from app.eventsourcing.ids import event_id
from app.topics.contract import event_topic
from tests.support.workers.environment import Environment


async def forge(environment: Environment, kind: str, aggregate: str, event_type: str, cause: str = "nothing", **payload: Any) -> None:  # noqa: ANN401 (any JSON)
    """Append an event to an aggregate that has some."""
    last = await _last(environment, kind, aggregate)
    metadata = {"correlationId": "forged", "causationId": cause}
    identity = event_id(kind, aggregate, f"{cause}/{last['version']}" if kind == "Saga" else cause, 0, payload.get("orderId"))
    told = {"eventId": identity, "eventType": event_type, "version": last["version"] + 1, "metadata": metadata, "payload": payload}
    await _write(environment, kind, {**last, **told})


async def _last(environment: Environment, kind: str, aggregate: str) -> Json:
    topic = event_topic(environment.settings, kind)
    async with LogReader(environment.settings) as log:
        found = [record.value async for record in log.key(topic, aggregate.encode())]
    last: Json = msgspec.json.decode(found[-1])
    return last


async def _write(environment: Environment, kind: str, event: Json) -> None:
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap) as producer:
        await producer.send_and_wait(event_topic(environment.settings, kind), msgspec.json.encode(event), event["aggregateId"].encode())
