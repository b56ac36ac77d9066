"""The thread in which aiokafka's consumer runs. All calls to the consumer and to its group are made there."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service
from mode.utils.types.trees import NodeT

from app.settings import Settings
from app.streams.runtime.coordinator_watchdog import CoordinatorWatchdog
from app.streams.runtime.membership import Membership, die

log = logging.getLogger(__name__)

COMMIT_S = 1.0
"""Timeout for a commit of offsets to the group, which fails while its broker is away (seconds)."""


def known_positions(consumer: AIOKafkaConsumer, partitions: Iterable[TP]) -> dict[TP, int]:
    """Return the next fetch offsets that are known. aiokafka's own `position` waits for an unknown one, for ever if the caller that would seek waits for us."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 (aiokafka has no public way to ask without waiting)
    if subscription is None or subscription.assignment is None:
        return {}
    assigned = {tp: subscription.assignment.state_value(TopicPartition(*tp)) for tp in partitions if TopicPartition(*tp) in subscription.assignment.tps}
    return {tp: state.position for tp, state in assigned.items() if state.has_valid_position}


async def commit(consumer: AIOKafkaConsumer, membership: Membership, offsets: Mapping[TP, int]) -> bool:
    """Commit offsets to the group, for people and lag tools; return False if the group did not take them. Nothing is lost then: the tasks' own rows count."""
    assigned = consumer.assignment()
    wanted = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned}
    if not wanted or not membership.settled:
        return False
    try:
        async with asyncio.timeout(COMMIT_S):
            await consumer.commit(wanted)
    except (KafkaError, TimeoutError) as error:
        log.info("the group's offsets were not committed: %s", type(error).__name__)
        return False
    return True


FETCH_WAIT_MS = 100
"""Longest wait of the broker for records of an idle partition; Faust's own is 1.5 s (milliseconds)."""

NEVER_MS = 2**31 - 1
"""Longest time between two polls: no limit in practice. Faust pauses partitions, so a worker that polls nothing may be healthy; only heartbeats count."""

BEAT_S = 1.0
STOP_S = 1.5
"""Timeout for leaving the group (seconds)."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Thread that runs the consumer. It reads committed records only; ranges of partitions keep the topics of one partition number together."""

    membership: Membership | None = None
    _silence: CoordinatorWatchdog | None = None
    refusal = ""
    """Reason why the group rejects this worker, until it accepts it; empty if nothing is known."""
    _ends = False
    """True once the worker was asked to stop. A routine that has ended by then has not failed."""
    beats = 0
    """Heartbeats of the thread itself, about one a second."""
    logger = logging.getLogger("faust.transport")

    def __init__(self, consumer: driver.Consumer, settings: Settings, *, loop: asyncio.AbstractEventLoop, beacon: NodeT[Any]) -> None:
        super().__init__(consumer, loop=loop, beacon=beacon)
        self._settings = settings

    async def on_start(self) -> None:
        """Start the consumer, and watch the answers of its group."""
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001 (aiokafka shows none)
        self.membership = Membership(coordinator, self._settings)
        self._silence = CoordinatorWatchdog(self.membership, coordinator)

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self.beats += 1
            await asyncio.sleep(BEAT_S)
            if self.membership is not None and self._silence is not None and not self._ends:
                await self._check(self.membership, self._silence)

    async def _check(self, membership: Membership, silence: CoordinatorWatchdog) -> None:
        if failure := membership.failure:
            die(f"its group's coordinator cannot be spoken to: {failure}")
        refusal = membership.try_again()
        if refusal and refusal != self.refusal:
            log.warning("the group is joined again and again: %s", refusal, extra={"event": "group_refused"})
        if refusal or membership.settled:
            self.refusal = refusal
        await silence.check(refused=bool(self.refusal))

    def close(self) -> None:
        """Leave the group. Faust calls this first when the worker is asked to stop."""
        self._ends = True
        super().close()

    async def on_thread_stop(self) -> None:
        """Stop the consumer. The thread ends even if that fails: aiokafka passes on the cancellation of its own fetch."""
        self._ends = True
        try:
            async with asyncio.timeout(STOP_S):
                await super().on_thread_stop()
        except (asyncio.CancelledError, KafkaError, TimeoutError) as error:
            log.info("the consumer did not stop cleanly, its session will run out: %r", error)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:  # noqa: ARG002 (Faust's own signature)
        settings, conf = self._settings, self.app.conf
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=settings.worker_id,
            bootstrap_servers=settings.bootstrap,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=None,
            max_partition_fetch_bytes=1 << 20,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            max_poll_interval_ms=NEVER_MS,
            isolation_level="read_committed",
        )

    async def owned(self, generation: int) -> bool:
        """Ask the group now whether this worker still is a member in this generation."""
        return self.membership is not None and bool(await self.call_thread(self.membership.confirm, generation))

    async def positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the next fetch offsets of those partitions for which they are known."""
        found: dict[TP, int] = await self.call_thread(self._positions, partitions)
        return found

    async def _positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        return known_positions(self._ensure_consumer(), partitions)

    async def look_for(self, topics: Collection[str]) -> None:
        """Refresh the metadata now if one of these topics is missing in it."""
        await self.call_thread(self._look_for, topics)

    async def _look_for(self, topics: Collection[str]) -> None:
        client = self._ensure_consumer()._client  # noqa: SLF001 (aiokafka shows none)
        if not client.cluster.topics().issuperset(topics):
            client.force_metadata_update()

    async def seek_all(self, offsets: Mapping[TP, int]) -> None:
        """Seek in the thread that fetches. Partitions that another worker owns meanwhile are left out."""
        await self.call_thread(self._seek_all, offsets)

    async def _seek_all(self, offsets: Mapping[TP, int]) -> None:
        assigned = self.assignment()
        for tp in assigned & offsets.keys():
            self.seek(tp, offsets[tp])

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the group; return False if the group did not take them."""
        return self.membership is not None and bool(await self.call_thread(commit, self._ensure_consumer(), self.membership, offsets))
