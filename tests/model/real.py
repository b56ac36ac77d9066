"""Real broker that gets the same requests, as they are on the wire, and its visible records."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from app.streams.kafka.reader import read
from tests.model.broker import Add, Answer, End, Init, Produce, Request

LARGEST = 1_000
"""Size of the largest batch that the topic accepts (bytes)."""

WITHIN_S = 60.0
"""Time within which a request is answered, even by a broker without earlier transactions (seconds)."""

SHOWN_S = 10.0
"""Time to wait for markers, which are written after the answer (seconds)."""

POLL_S = 0.002

ANSWERS: dict[str, Answer] = {
    "NoError": "ok",
    "InvalidProducerEpoch": "fenced",
    "ProducerFenced": "fenced",
    "ConcurrentTransactions": "concurrent",
    "InvalidTxnState": "invalid",
    "OutOfOrderSequenceNumber": "out of order",
    "DuplicateSequenceNumber": "ok",
    "MessageSizeTooLargeError": "refused",
    "NotCoordinatorForGroupError": "concurrent",  # a new broker has no coordinator at first: ask again, too
    "GroupLoadInProgressError": "concurrent",
    "GroupCoordinatorNotAvailableError": "concurrent",
    "NotEnoughReplicasError": "concurrent",  # the coordinator, still loading, could not verify the transaction of a Produce; nothing was appended
}


class RealBroker:
    """One transactional id over two partitions of a topic, `first` and the next. Epochs are numbered as in the model."""

    def __init__(self, client: AIOKafkaClient, topic: str, first: int) -> None:
        self._client = client
        self._topic = topic
        self._first = first
        self._name = f"{topic}-{first}"
        self._epochs: dict[int, tuple[int, int]] = {}

    def partitions(self) -> list[TopicPartition]:
        """Return the partitions of its batches."""
        return [TopicPartition(self._topic, self._first), TopicPartition(self._topic, self._first + 1)]

    async def receive(self, request: Request, epoch: int) -> Answer:
        """Send a request, and repeat it while markers are still to be written. `epoch` is the number of the epoch that it gets, if it asks for one."""
        async with asyncio.timeout(WITHIN_S):
            while (answer := await self._ask(request, epoch)) == "concurrent":  # noqa: ASYNC110 (as above)
                await asyncio.sleep(POLL_S)
        return answer

    async def _ask(self, request: Request, epoch: int) -> Answer:
        coordinator = await self._coordinator()
        match request:
            case Init():
                answer = await self._client.send(coordinator, InitProducerIdRequest(self._name, 60_000))
                self._epochs[epoch] = answer.producer_id, answer.producer_epoch
                code = answer.error_code
            case Add():
                numbers = [self._first + number for number in request.partitions]
                answer = await self._client.send(coordinator, AddPartitionsToTxnRequest(self._name, *self._epochs[request.epoch], [(self._topic, numbers)]))
                code = max(code for _, codes in answer.errors for _, code in codes)
            case Produce():
                code = await self._produce(request)
            case End():
                answer = await self._client.send(coordinator, EndTxnRequest(self._name, *self._epochs[request.epoch], request.marker == "commit"))
                code = answer.error_code
        return ANSWERS[for_code(code).__name__]

    async def _coordinator(self) -> int:
        """Return the coordinator, once there is one. A broker without earlier transactions has none at first."""
        while True:
            try:
                return int(await self._client.coordinator_lookup(CoordinationType.TRANSACTION, self._name))
            except GroupCoordinatorNotAvailableError:
                await asyncio.sleep(POLL_S)

    async def _produce(self, request: Produce) -> int:
        producer_id, epoch = self._epochs[request.epoch]
        builder = DefaultRecordBatchBuilder(2, 0, 1, producer_id, epoch, request.sequence, 2 * LARGEST)
        padding = b"x" * LARGEST if request.batch.too_large else b""
        builder.append(0, timestamp=0, key=None, value=str(request.batch.content).encode() + padding, headers=[])
        where = self._first + request.partition
        leader = self._client.cluster.leader_for_partition(TopicPartition(self._topic, where))
        answer = await self._client.send(leader, ProduceRequest(self._name, -1, 5_000, [(self._topic, [(where, bytes(builder.build()))])]))
        [(_, [(_, code, *_)])] = answer.topics
        return int(code)


class Reading:
    """Visible state of partitions: their ends, and the values up to the last stable offset."""

    def __init__(self, committed: AIOKafkaConsumer, uncommitted: AIOKafkaConsumer) -> None:
        """Prepare with two consumers, one of each isolation level."""
        self._committed = committed
        self._uncommitted = uncommitted

    async def ends(self, partitions: list[TopicPartition], expected: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return last stable offset and end of each partition. Expected ends are waited for, because markers are written after the answer."""
        deadline_s = asyncio.get_running_loop().time() + SHOWN_S
        while (found := await self._ends(partitions)) != expected and asyncio.get_running_loop().time() < deadline_s:  # noqa: ASYNC110 (the broker is asked)
            await asyncio.sleep(POLL_S)
        return found

    async def _ends(self, partitions: list[TopicPartition]) -> list[tuple[int, int]]:
        stable, ends = await asyncio.gather(self._committed.end_offsets(partitions), self._uncommitted.end_offsets(partitions))
        return [(stable[where], ends[where]) for where in partitions]

    async def visible(self, where: TopicPartition, end: int) -> list[tuple[int, str]]:
        """Return offsets and values that a `read_committed` reader sees below `end`."""
        return [(record.offset, record.value.decode()) async for records, _ in read(self._committed, where, 0, end) for record in records]
