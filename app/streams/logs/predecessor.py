"""What the transactions of a task's predecessors left behind, found out before anything is read that a transaction may hide.

A reader of committed records sees nothing behind the first record of an open transaction. So one that is open where a task reads its rows would have it
take old rows for the last ones, and do again what is done: the task waits until all is shown that was there when it fenced.

A transaction can also have been ended and look open (KIP-664: a hanging one). Its end is a marker in each of its partitions, and a coordinator leaves out those
whose leader it does not know, as a broker that was killed and has just started does ("Couldn't find leader endpoint ... can be skipped"). The task writes what
is missing. How it ended the coordinator says only until the fence, so that is asked before.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient

from app.streams.errors import OpenTransaction
from app.streams.kafka.reader import stable_ends, written_ends
from app.streams.kafka.transaction_states import ABORTED, COMMITTED, last_state, open_from

log = logging.getLogger(__name__)

SHOWN_S = 5.0
"""How long is waited for what a transaction hides before the task says so and tries again (seconds)."""

_PAUSE_S = 0.02


class Predecessor:
    """Who used a transactional id before; one object for all openings of a task, for an opening may fail between the fence and what follows."""

    def __init__(self, transactional_id: str) -> None:
        self._id = transactional_id
        self._state = ""

    async def ask(self, client: AIOKafkaClient) -> None:
        """Ask the coordinator how its last transaction ended: before each fence, which makes the coordinator forget that. KafkaError when it does not say."""
        state = await last_state(client, self._id)
        if state in COMMITTED | ABORTED:
            self._state = state

    async def finish(self, consumer: AIOKafkaConsumer, fenced: AIOKafkaProducer, partitions: Sequence[TopicPartition]) -> None:
        """Write the markers that are missing in these partitions, and return once they show all that they have.

        `fenced` is the producer that fenced it. OpenTransaction when another producer's hides something, or nobody says any more how this one's ended.
        """
        hidden = await _hidden(consumer, partitions, await written_ends(consumer, partitions))
        if hidden and (hanging := await open_from(consumer._client, hidden, fenced._txn_manager.producer_id)):  # noqa: SLF001 (aiokafka has no public way to ask)
            await self._end(fenced, hanging)
        await shown(consumer, partitions)
        self._state = ""

    async def _end(self, fenced: AIOKafkaProducer, hanging: Mapping[TopicPartition, int]) -> None:
        if self._state not in COMMITTED | ABORTED:
            raise OpenTransaction(_undecided(hanging))
        commit = self._state in COMMITTED
        where = ", ".join(f"{topic} [{partition}] {offset}" for (topic, partition), offset in sorted(hanging.items()))
        log.warning("Kafka %s an earlier transaction and left its marker out at %s: it is written now", "committed" if commit else "aborted", where)
        await fenced.begin_transaction()
        for partition in hanging:
            fenced._txn_manager.maybe_add_partition_to_txn(partition)  # noqa: SLF001 (aiokafka has no public way to add one without a record)
        await (fenced.commit_transaction() if commit else fenced.abort_transaction())


async def shown(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], within_s: float = SHOWN_S) -> None:
    """Return once all that these partitions have now is shown to readers of committed records; OpenTransaction when it is not in time (seconds)."""
    ends = await written_ends(consumer, partitions)
    late_s = _now_s() + within_s
    while hidden := await _hidden(consumer, partitions, ends):
        if _now_s() > late_s:
            raise OpenTransaction(_waiting(hidden))
        await asyncio.sleep(_PAUSE_S)


async def _hidden(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """From which offset on each partition hides what lies below its end, where it does."""
    stable = await stable_ends(consumer, partitions)
    return {where: stable[where] for where in partitions if stable[where] < ends[where]}


def _waiting(hidden: Mapping[TopicPartition, int]) -> str:
    where, offset = min(hidden.items())
    return (
        f"{where.topic} [{where.partition}] shows nothing from {offset} on, for a transaction of another producer is open there: its broker ends it "
        f"once it is older than its transaction.timeout.ms, or do it now with Kafka's own kafka-transactions.sh{_abort(where, offset)}"
    )


def _undecided(hanging: Mapping[TopicPartition, int]) -> str:
    where, offset = min(hanging.items())
    return (
        f"{where.topic} [{where.partition}] shows nothing from {offset} on: an earlier transaction of this task has no marker there, and its coordinator "
        "no longer knows whether it was committed. If no other topic shows anything of it, abort it with Kafka's own "
        f"kafka-transactions.sh{_abort(where, offset)}, and it is done again"
    )


def _abort(where: TopicPartition, offset: int) -> str:
    return f" ... abort --topic {where.topic} --partition {where.partition} --start-offset {offset}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
