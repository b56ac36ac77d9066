"""Membership of this worker in its consumer group: confirmed before a task is restarted, and watched all the time."""

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, KafkaError, UnknownMemberIdError
from aiokafka.protocol.commit import OffsetCommitResponse_v3 as OffsetCommitResponse
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from app.diagnosis.kafka_errors import explained
from app.settings import Settings

log = logging.getLogger(__name__)

FENCED_INSTANCE_ID = 82
"""Error code for which aiokafka has no name (KIP-345)."""

EVICTED = {UnknownMemberIdError.errno, FENCED_INSTANCE_ID}
EXIT_CODE = 3


def die(why: str) -> None:
    """Exit the process at once. Nothing is lost, and the supervisor starts the worker again."""
    log.critical("the worker ends: %s", why)
    logging.shutdown()
    os._exit(EXIT_CODE)


class Lease(NamedTuple):
    """Lease proved by a heartbeat that was answered without error. No other worker owns our partitions until a session has passed since it was sent."""

    generation: int
    sent_s: float

    @staticmethod
    def now_s() -> float:
        """Return a clock that also runs while the machine sleeps or the process is stopped (seconds)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Membership:
    """Observer of the answers of the group's coordinator.

    aiokafka's heartbeat carries no instance id, so two workers with one static id would evict each other for ever.
    The worker that the coordinator calls unknown exits.
    """

    def __init__(self, coordinator: Any, settings: Settings) -> None:  # noqa: ANN401 (aiokafka has no types)
        self._coordinator = coordinator
        self._worker_id = settings.worker_id
        self._session_timeout_s = settings.session_timeout_s
        self._lease: Lease | None = None
        self._send = coordinator._send_req  # noqa: SLF001 (aiokafka has no hook for answers)
        coordinator._send_req = self._watch  # noqa: SLF001

    def certain(self, generation: int) -> bool:
        """Return True while this worker holds a valid lease on its assignment of this generation. Any thread may ask."""
        lease = self._lease
        return lease is not None and lease.generation == generation and Lease.now_s() - lease.sent_s < self._session_timeout_s

    @property
    def settled(self) -> bool:
        """True once a heartbeat has confirmed the generation that was joined last.

        Until then no offsets may be committed. aiokafka takes the answer "rebalance in progress" as a reason to join again,
        also in the middle of a join, so that one join would follow the other without end.
        """
        return self.certain(self._coordinator.generation)

    async def confirm(self, generation: int) -> bool:
        """Send a heartbeat now; return True if it is answered without error within this generation. A later generation may have given the partition away."""
        if generation != self._coordinator.generation or self._coordinator.coordinator_id is None:
            return False
        try:
            answer = await self._watch(HeartbeatRequest(self._coordinator.group_id, generation, self._coordinator.member_id))
        except (KafkaError, asyncio.CancelledError):
            return False
        return bool(answer.error_code == 0) and generation == self._coordinator.generation

    @property
    def failure(self) -> str:
        """Routines of aiokafka that have ended for good; empty if there are none."""
        return ", ".join(f"{name} has ended" for name, task in routines(self._coordinator) if task is None or task.done())

    def try_again(self) -> str:
        """Rejoin the group after an error at which aiokafka gave up, and return that error; empty if there is none. aiokafka would wait for the next fetch."""
        try:
            self._coordinator.check_errors()
        except KafkaError as error:
            self._coordinator.request_rejoin()
            return explained(error)
        return ""

    async def _watch(self, request: Any) -> Any:  # noqa: ANN401 (aiokafka has no types)
        sent = Lease(self._coordinator.generation, Lease.now_s())
        if isinstance(request, JoinGroupRequest):
            self._lease = None
        answer = await self._asked(request)
        if isinstance(request, HeartbeatRequest | SyncGroupRequest) and answer.error_code == GroupLoadInProgressError.errno:
            answer.error_code = GroupCoordinatorNotAvailableError.errno  # aiokafka retries after this error, and never after GroupLoadInProgressError
        if isinstance(request, HeartbeatRequest):
            self._lease = sent if answer.error_code == 0 and sent.generation == self._coordinator.generation else None
        if self._worker_id is not None and not EVICTED.isdisjoint(_codes(answer)):
            die(f"the group gave FOLDSTREAM_WORKER_ID={self._worker_id} away: another worker uses this id, or this one was silent for longer than its session")
        return answer

    async def _asked(self, request: Any) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Return the answer; raise CancelledError if the caller was cancelled as the answer arrived.

        aiokafka waits for it with asyncio.wait_for, which loses such a cancellation before Python 3.12. The heartbeat would then continue,
        and aiokafka, which waits for its end before it joins the group again, would wait for ever.
        """
        try:
            return await self._send(request)
        finally:
            if cancelled():
                raise asyncio.CancelledError


def cancelled() -> bool:
    """Return True if the current asyncio task was asked to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def routines(coordinator: Any) -> Iterator[tuple[str, "asyncio.Task[None] | None"]]:  # noqa: ANN401 (aiokafka has no types)
    """Yield the routines that must run as long as the consumer does, by name. aiokafka does not report their end; those of a closed client are None."""
    yield "coordination", coordinator._coordination_task  # noqa: SLF001 (aiokafka shows none of them)
    yield "the metadata's refresh", coordinator._client._sync_task  # noqa: SLF001


def _codes(answer: Any) -> set[int]:  # noqa: ANN401 (aiokafka has no types)
    """Return the error codes of an answer: one code, or one for each partition of an OffsetCommit."""
    if isinstance(answer, OffsetCommitResponse):
        return {code for _, partitions in answer.topics for _, code in partitions}
    return {getattr(answer, "error_code", 0)}
