"""Command gateway and local state: writes become commands in Kafka at the owner of the aggregate, and are answered after their transaction commits."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber, TopicAuthorizationFailedError

from app.client.results import CommandReply
from app.diagnosis.kafka_errors import explained
from app.streams.application import Application
from app.streams.errors import ReadModelUnavailable
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.shutdown import stop
from app.streams.kafka.timeouts import ANSWER_MS
from app.streams.parking.record import Park
from app.streams.parking.release import ReleaseRequest as Release
from app.streams.processing.replies import PendingReply, RecordLocation, ReplyOutcomeUnknown, TooManyPendingReplies
from app.streams.rebuild.coordinator import BuildCoordinator
from app.streams.state.store import StateStore
from app.topics.contract import command_topic
from app.web.gateway.end_offsets import EndOffsets
from app.web.gateway.request import CommandRef, CommandRequest
from app.web.http.problems import Problem, later

ANSWER_S = 5.0
"""Time that a write waits for its result (seconds); then the response is 202."""

READ_S = 1.0
"""Time that a query for a command's result waits until the task has read the earlier commands (seconds)."""

LOOK_S = 0.05

Row = TypeVar("Row")


class Desk:
    """Command gateway of one worker. It writes commands, waits for their results, and reads rows while the worker holds a valid lease."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._settings = app.side.settings
        self._producer: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()
        self._ends = EndOffsets(self._settings.bootstrap)

    async def open(self) -> None:
        """Connect to Kafka."""
        self._producer = await self._started()
        await self._ends.open()

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(bootstrap_servers=self._settings.bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=ANSWER_MS)
        await producer.start()
        return producer

    async def close(self) -> None:
        """Disconnect from Kafka. Writes in progress are answered 202."""
        if self._producer is not None:
            await self._producer.stop()
        await self._ends.close()

    def partition(self, aggregate_id: str) -> int:
        """Return the partition of an aggregate."""
        return partition_of(aggregate_id.encode(), self._settings.partitions)

    def owns(self, partition: int) -> bool:
        """Return True while this worker holds a valid lease on the partition, and its task is open."""
        return bool(self._app.tables.served.serves(partition))

    def read(self, aggregate_id: str, row: Callable[[StateStore], Row]) -> Row:
        """Read committed rows of an aggregate's partition. Raise a Problem if another worker may own it, even if that began during the read."""
        return self.rows(self.partition(aggregate_id), row)

    def rows(self, partition: int, row: Callable[[StateStore], Row]) -> Row:
        """Read committed rows of a partition. Raise a Problem as `read` does."""
        store: StateStore | None = self._app.tables.served.store(partition)
        found = None if store is None else row(store)
        if store is None or not self.owns(partition):
            raise later("not-owner", "this worker does not own the partition for certain: ask again")
        return cast("Row", found)

    def has_view(self, partition: int) -> bool:
        """Return True if this worker has the view task of the partition, whether its rows can be read now or not."""
        return bool(self._app.tables.served.views(partition))

    def view(self, aggregate_id: str, rows: Callable[[StateStore], Row]) -> Row:
        """Read rows of the read models of an aggregate's partition. Raise a Problem if they cannot be shown, even if that began during the read."""
        return self.view_rows(self.partition(aggregate_id), rows)

    def view_rows(self, partition: int, rows: Callable[[StateStore], Row]) -> Row:
        """Read rows of the read models of a partition. Raise a Problem as `view` does."""
        store: StateStore | None = self._app.tables.served.view(partition)
        try:
            found = None if store is None else rows(store)
        except ReadModelUnavailable as error:
            raise later("view-rebuilding", f"the rows of table {error} are made anew for the code that runs now: ask again") from error
        if store is not None and self._app.tables.served.view(partition) is store:
            return cast("Row", found)
        raise self._unviewed(partition)

    def builds(self, partition: int) -> BuildCoordinator:
        """Return the builds of the view task of a partition. Raise a Problem if the task is not open here."""
        builds: BuildCoordinator | None = self._app.tables.served.builds(partition)
        if builds is None:
            raise self._unviewed(partition)
        return builds

    def _unviewed(self, partition: int) -> Problem:
        if reason := self._app.tables.served.view_stop(partition):
            return later("view-stopped", f"the aggregate's view is stopped until an operator acts: {reason}")
        return later("view-recovering", "the aggregate's view is not up to date yet, or may have another owner: ask again")

    async def release(self, partition: int, asked: Release) -> Park | None:
        """Retry or discard a parked record, like `TaskManager.release`. Return None once that is committed, or why the record is still parked."""
        park: Park | None = await self._app.tables.release(partition, asked)
        return park

    async def behind(self, asked: CommandRef) -> bool:
        """Return True if the task does not read the command topic up to its current end within READ_S. Under load, there always are unread commands."""
        topic, partition = command_topic(self._settings, asked.aggregate_type), self.partition(asked.aggregate_id)
        end = await self._ends.end(topic, partition)
        until_s = time.monotonic() + READ_S
        while await self._app.tables.served.read_up_to(partition, topic) < end:
            if time.monotonic() > until_s:
                return True
            await asyncio.sleep(LOOK_S)
        return False

    async def write(self, order: CommandRequest) -> CommandReply:
        """Write a command and return its result. Raise a Problem if it was not written, or Unanswered if its outcome is not known yet."""
        try:
            with self._expected(order) as waiter:
                async with asyncio.timeout(ANSWER_S):
                    return await self._written(order, waiter)
        except MessageSizeTooLargeError as error:
            raise Problem(413, "too-large", "the command is larger than its topic takes: send less in one request") from error
        except TopicAuthorizationFailedError as error:
            raise later("no-broker", explained(error)) from error
        except (KafkaError, ReplyOutcomeUnknown, TimeoutError) as error:
            raise Unanswered(order.asked) from error

    @contextmanager
    def _expected(self, order: CommandRequest) -> Iterator[PendingReply]:
        try:
            name = order.aggregate_type, order.aggregate_id, order.command_id
            with self._app.side.waiters.expect(name, self.partition(order.aggregate_id)) as waiter:
                yield waiter
        except TooManyPendingReplies as error:
            raise later("too-many-writes", f"{error}: send the same again later, with the same Idempotency-Key") from error

    async def _written(self, order: CommandRequest, waiter: PendingReply) -> CommandReply:
        assert self._producer is not None, "requests are served once the desk is open"
        topic, key = command_topic(self._settings, order.aggregate_type), order.aggregate_id.encode()
        partition = self.partition(order.aggregate_id)
        producer = self._producer
        try:
            written = await producer.send_and_wait(topic, order.record(), key, partition, headers=order.headers())
        except (TopicAuthorizationFailedError, OutOfOrderSequenceNumber):
            await self._replace(producer)
            raise
        told: CommandReply = await waiter.answer(RecordLocation(topic, partition, written.offset))
        return told

    async def _replace(self, failed: AIOKafkaProducer) -> None:
        """Replace the producer. After Kafka rejected a batch, its sequence numbers have a gap, and Kafka would reject every later batch."""
        async with self._replacing:
            if self._producer is failed:
                self._producer = await self._started()
                await stop(failed, abort=False)


class Unanswered(Exception):  # noqa: N818 (names the state)
    """Outcome of a command that is still pending. `asked` says which command to query for."""

    def __init__(self, asked: CommandRef) -> None:
        super().__init__(asked.path)
        self.asked = asked
