"""Producer that was fenced by another one with its id: its transaction fails in the caller, and nowhere else."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import MessageBatch

from app.streams.aiokafka_patches.sender import batch_failure
from app.streams.errors import UnknownOutcome
from app.streams.kafka.shutdown import stop
from app.streams.kafka.transactions import OutgoingRecord, Transaction, producer
from tests.conftest import RunningKafka


async def left_by_a_fenced_transaction(kafka: RunningKafka, topic: str) -> list[dict[str, Any]]:
    """Return the errors that asyncio reports after the transaction of a fenced producer has failed."""
    reported = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    fenced, fencing = (producer(kafka.bootstrap, topic) for _ in range(2))
    await fenced.start()
    await fencing.start()
    transaction = Transaction(fenced, 2)
    transaction.extend([OutgoingRecord(topic, b"key", b"value")])
    with pytest.raises(UnknownOutcome):
        await transaction.commit()
    for each in (fenced, fencing):
        await stop(each, abort=False)
    del transaction, fenced, fencing, each
    gc.collect()
    await asyncio.sleep(0)
    return reported


async def test_a_fenced_transaction_leaves_no_error_behind(kafka: RunningKafka, topic: str) -> None:
    assert await left_by_a_fenced_transaction(kafka, topic) == []


@pytest.mark.control
async def test_control_the_error_of_a_batch_that_is_not_counted_as_seen_is_reported(kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MessageBatch, "failure", batch_failure)

    [report] = await left_by_a_fenced_transaction(kafka, topic)

    assert "never retrieved" in report["message"]
