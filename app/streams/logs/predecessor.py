"""Transactions that a task's predecessors left open. The task resolves them before it reads anything that they may hide.

A reader of committed records sees nothing after the first record of an open transaction. A task that read its rows then would take old rows for the latest,
and repeat work that is done. So it waits until everything that was there when it fenced its predecessor is visible.

A transaction can also have ended and look open (KIP-664: a hanging one). Its end is a marker in each of its partitions, and a coordinator leaves out
partitions whose leader it does not know. A broker that was killed and has just started does so ("Couldn't find leader endpoint ... can be skipped"). The task
writes the missing markers. The coordinator knows how the transaction ended only until the fence, so the task asks before.
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
"""Time limit for hidden records to become visible (seconds). After it, the task reports the transaction and tries again."""

_PAUSE_S = 0.02


class Predecessor:
    """Previous user of a transactional id. One object serves all incarnations of a task, because one may fail between the fence and what follows."""

    def __init__(self, transactional_id: str) -> None:
        self._id = transactional_id
        self._state = ""

    async def ask(self, client: AIOKafkaClient) -> None:
        """Ask the coordinator how the last transaction ended.

        Call it before each fence, which makes the coordinator forget that. Raises KafkaError when it does not report it.
        """
        state = await last_state(client, self._id)
        if state in COMMITTED | ABORTED:
            self._state = state

    async def finish(self, consumer: AIOKafkaConsumer, fenced: AIOKafkaProducer, partitions: Sequence[TopicPartition]) -> None:
        """Write the markers that are missing in these partitions, and return once all of their records are visible.

        `fenced` is the producer that fenced the predecessor. Raises OpenTransaction when a transaction of another producer hides records, or when the
        coordinator no longer knows how this one ended.
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
    """Wait until readers of committed records see all that these partitions have now. Raises OpenTransaction when that takes longer than `within_s`."""
    ends = await written_ends(consumer, partitions)
    late_s = _now_s() + within_s
    while hidden := await _hidden(consumer, partitions, ends):
        if _now_s() > late_s:
            raise OpenTransaction(_waiting(hidden))
        await asyncio.sleep(_PAUSE_S)


async def _hidden(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return the partitions that hide records below their ends, each with the offset from which on it hides them."""
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
