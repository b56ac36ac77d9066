"""Quotas: Kafka delays the requests of a client that has used up its own, and says so only in its answers."""

import logging
import time
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup

log = logging.getLogger(__name__)

SAY_EVERY_S = 60.0
"""Interval between log lines about throttling (seconds), because a quota delays many requests."""

_send = AIOKafkaClient.send


class Quota:
    """Throttling that the answers to this process's clients report."""

    def __init__(self) -> None:
        self._said_s = -SAY_EVERY_S

    def heard(self, throttle_ms: int) -> None:
        """Log that requests are delayed, unless that was logged within the interval."""
        if throttle_ms > 0 and time.monotonic() - self._said_s > SAY_EVERY_S:
            self._said_s = time.monotonic()
            log.warning(
                "Kafka holds back the requests of this worker, at last for %d ms, so all it does takes longer: a quota of its user or client id is used up. "
                "Raise it (kafka-configs --entity-type users or clients), or find out what else uses it",
                throttle_ms,
                extra={"event": "throttled"},
            )


_quota = Quota()


async def send(self: Any, node_id: int, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:  # noqa: ANN401 (a method of aiokafka's, which has no types)
    """Send a request, and check whether its answer says that requests are delayed."""
    response = await _send(self, node_id, request, group=group)
    _quota.heard(getattr(response, "throttle_time_ms", 0))
    return response


def install() -> None:
    """Check the answers to all requests of this process."""
    AIOKafkaClient.send = send
