"""What a view tells the views of other partitions, through feeds: Kafka has it before the view's own write, and is told again after a kill.

Receivers take what is new to them alone, so nobody has to be fenced, and nothing be in a transaction.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError

from app.streams.errors import UnknownOutcome
from app.streams.kafka.shutdown import stop
from app.streams.kafka.timeouts import ANSWER_MS
from app.streams.kafka.transactions import BATCH_BYTES, DEADLINE_S, RECORD_BYTES, Batches
from app.streams.processing.context import Outgoing


class Feeds:
    """One opening's; its producer is started when it is needed first."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None

    async def write(self, records: Sequence[Outgoing]) -> None:
        """Return once Kafka has all of these. UnknownOutcome: it may have some; the view is opened anew and tells them again."""
        if not records:
            return
        batches = Batches(await self._started(), self._partitions)
        batches.extend(records)
        try:
            async with asyncio.timeout(DEADLINE_S):
                results = await batches.send()
        except (TimeoutError, KafkaError, IllegalOperation, AssertionError) as error:  # as in a transaction
            raise UnknownOutcome(repr(error)) from error
        for result in results:
            if isinstance(result, BaseException):
                raise UnknownOutcome(repr(result)) from result

    async def close(self) -> None:
        """Let the producer go."""
        started, self._producer = self._producer, None
        if started is not None:
            await stop(started, abort=False)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                max_request_size=2 * RECORD_BYTES,
                request_timeout_ms=ANSWER_MS,
                retry_backoff_ms=5,
            )
            self._producer = producer
            await producer.start()
        return self._producer
