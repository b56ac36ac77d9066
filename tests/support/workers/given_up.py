"""Orders that failed although nothing was wrong with them. No outage in a run lasts as long as a saga's timeouts."""

from collections.abc import Iterator
from typing import Any

import msgspec

from app.client.log_reader import LogReader
from app.settings import Settings


async def given_up(settings: Settings) -> list[str]:
    """Return a line for each saga that treated a late answer as missing."""
    async with LogReader(settings) as log:
        events = [msgspec.json.decode(record.value) async for record in log.topic(settings.topic("events.saga"))]
    return [*_impatient(events)]


def _impatient(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        payload = event["payload"]
        if event["eventType"] == "SagaTimedOut":
            yield f"order {event['aggregateId']} was not fulfilled by {payload['deadlineAt']}"
        if event["eventType"] == "SagaStepFailed" and payload["outcome"] == "timed-out" and payload.get("retryAt") is None:
            yield f"order {event['aggregateId']} waited in vain for {payload['step']}"
