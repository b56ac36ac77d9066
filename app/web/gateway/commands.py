"""Command gateway: writes become commands in Kafka at the owner of the aggregate, and are answered after their transaction commits."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber, TopicAuthorizationFailedError

from app.client.results import CommandReply
from app.diagnosis.kafka_errors import explained
from app.streams.application import Application
from app.streams.kafka.shutdown import stop
from app.streams.kafka.timeouts import ANSWER_MS
from app.streams.processing.replies import PendingReply, RecordLocation, ReplyOutcomeUnknown, TooManyPendingReplies
from app.topics.contract import command_topic
from app.web.gateway.end_offsets import EndOffsets
from app.web.gateway.local_state import LocalState
from app.web.gateway.request import CommandRef, CommandRequest
from app.web.http.problems import Problem, later

ANSWER_S = 5.0
"""Time that a write waits for its result (seconds); then the response is 202."""

READ_S = 1.0
"""Time that a query for a command's result waits until the task has read the earlier commands (seconds)."""

LOOK_S = 0.05


class CommandGateway:
    """Gateway of one worker that writes commands and waits for their results."""

    def __init__(self, app: Application, local: LocalState) -> None:
        self._app = app
        self._local = local
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

    async def has_unread_commands(self, asked: CommandRef) -> bool:
        """Return True if the task does not read the command topic up to its current end within READ_S. Under load, there always are unread commands."""
        topic, partition = command_topic(self._settings, asked.aggregate_type), self._local.partition(asked.aggregate_id)
        end = await self._ends.end(topic, partition)
        until_s = time.monotonic() + READ_S
        while await self._app.tables.served.read_up_to(partition, topic) < end:
            if time.monotonic() > until_s:
                return True
            await asyncio.sleep(LOOK_S)
        return False

    async def write(self, command: CommandRequest) -> CommandReply:
        """Write a command and return its result. Raise a Problem if it was not written, or Unanswered if its outcome is not known yet."""
        try:
            with self._expected(command) as waiter:
                async with asyncio.timeout(ANSWER_S):
                    return await self._written(command, waiter)
        except MessageSizeTooLargeError as error:
            raise Problem(413, "too-large", "the command is larger than its topic takes: send less in one request") from error
        except TopicAuthorizationFailedError as error:
            raise later("no-broker", explained(error)) from error
        except (KafkaError, ReplyOutcomeUnknown, TimeoutError) as error:
            raise Unanswered(command.asked) from error

    @contextmanager
    def _expected(self, command: CommandRequest) -> Iterator[PendingReply]:
        try:
            name = command.aggregate_type, command.aggregate_id, command.command_id
            with self._app.side.waiters.expect(name, self._local.partition(command.aggregate_id)) as waiter:
                yield waiter
        except TooManyPendingReplies as error:
            raise later("too-many-writes", f"{error}: send the same again later, with the same Idempotency-Key") from error

    async def _written(self, command: CommandRequest, waiter: PendingReply) -> CommandReply:
        assert self._producer is not None, "requests are served once the gateway is open"
        topic, key = command_topic(self._settings, command.aggregate_type), command.aggregate_id.encode()
        partition = self._local.partition(command.aggregate_id)
        producer = self._producer
        try:
            written = await producer.send_and_wait(topic, command.record(), key, partition, headers=command.headers())
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
