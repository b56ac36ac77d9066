"""Changelog rows hidden by an earlier transaction: the task waits for them, or makes them visible. With an older row it would repeat work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.admin import AlterConfigsRequest

from app.streams.kafka.reader import reading
from app.streams.kafka.transactions import producer
from app.streams.logs import predecessor
from app.streams.logs.predecessor import Predecessor
from tests.support.streams.harness import Harness
from tests.support.waiting import until


@pytest.fixture
async def lax(counted: Harness) -> AsyncIterator[Harness]:
    """Yield a broker that accepts records of partitions outside of the transaction, which then get no marker."""
    await _verify(counted, "false")
    yield counted
    await _verify(counted, "true")


async def _verify(harness: Harness, value: str) -> None:
    async with reading(harness.settings.bootstrap) as consumer:
        client = consumer._client  # noqa: SLF001 (aiokafka has no public way to send a request)
        config = [("transaction.partition.verification.enable", value), ("min.insync.replicas", "1")]  # Kafka does not let the second one be removed
        answer = await client.send(client.get_random_node(), AlterConfigsRequest([(ConfigResourceType.BROKER, "", config)]))
    assert [code for code, *_ in answer.resources] == [0], answer


@asynccontextmanager
async def left_out(topic: str) -> AsyncIterator[None]:
    """Leave a topic out of transactions, like a coordinator that does not know the topic's leader."""
    add = TransactionManager.maybe_add_partition_to_txn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionManager, "maybe_add_partition_to_txn", lambda self, where: where.topic == topic or add(self, where))
        yield


async def count_without_marker(harness: Harness, topic: str) -> None:
    """Count `a` a third time and close the task. One topic lacks the marker of that transaction."""
    opened = await harness.open(worker="former")
    await harness.send(("a", b""))
    async with left_out(topic):
        await opened.pump()
    await opened.task.close()


@pytest.mark.parametrize("topic", ["changelog", "events.count"])
async def test_a_commit_whose_marker_kafka_left_out_is_seen_by_the_successor(lax: Harness, topic: str) -> None:
    await committed_without_marker(lax, topic)


@pytest.mark.control
async def test_a_marker_that_is_not_written_is_found(lax: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        """Continue with the visible rows."""

    monkeypatch.setattr(Predecessor, "finish", nothing)

    with pytest.raises(AssertionError, match=r"\[1, 2, 3, 3, 4\]|\[1, 2, 3, 3\]"):
        await committed_without_marker(lax, "changelog")


async def committed_without_marker(harness: Harness, topic: str) -> None:
    """Continue after a commit without marker: each command is processed once."""
    await count_without_marker(harness, harness.settings.changelog if topic == "changelog" else harness.settings.topic(topic))

    opened = await harness.open(worker="next")
    await harness.send(("a", b""))
    await opened.pump()
    await opened.task.close()

    await harness.expect_counts(a=4, b=1)


async def test_an_abort_whose_marker_kafka_left_out_stays_an_abort(lax: Harness) -> None:
    async with left_out(lax.settings.changelog), producer(lax.settings.bootstrap, f"{lax.settings.app_id}-0") as former:
        await former.begin_transaction()
        await former.send(lax.settings.changelog, b"99", b"count\0a", partition=0)
        await former.send_and_wait(lax.settings.topic("results"), b"{}", b"a", partition=0)
        await former.abort_transaction()

    opened = await lax.open(worker="next")
    await lax.send(("a", b""))
    await opened.pump()
    await opened.task.close()

    opened = await lax.open(worker="third")
    assert opened.rows() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_a_task_whose_opening_fails_behind_the_fence_remembers_how_the_transaction_ended(lax: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await count_without_marker(lax, lax.settings.changelog)
    finish, failures = Predecessor.finish, iter([OSError("as if the broker were away")])

    async def fail_first(self: Predecessor, *words: object) -> None:
        for failure in failures:
            raise failure
        await finish(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Predecessor, "finish", fail_first)

    opened = await lax.open(worker="next")
    assert opened.rows() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_a_transaction_of_which_nobody_knows_the_end_is_decided_by_a_person(lax: Harness) -> None:
    await count_without_marker(lax, lax.settings.changelog)
    async with producer(lax.settings.bootstrap, f"{lax.settings.app_id}-0"):
        """A worker that was killed behind its fence."""

    opened = lax.start(worker="next")
    await until(lambda: "no longer knows whether it was committed" in opened.task.trouble, within_s=60)
    assert "kafka-transactions.sh ... abort --topic" in opened.task.trouble
    assert not opened.task.stopped, "it goes on by itself once that is done"
    await opened.task.close()


async def test_a_task_does_not_open_while_another_producers_transaction_hides_its_rows(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await hidden_by_another(counted, monkeypatch)


@pytest.mark.control
async def test_rows_that_are_not_waited_for_are_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(*_: object) -> None:
        """Treat the visible rows as complete."""

    monkeypatch.setattr(predecessor, "shown", at_once)

    with pytest.raises(TimeoutError):
        await hidden_by_another(counted, monkeypatch, within_s=3)


async def hidden_by_another(harness: Harness, monkeypatch: pytest.MonkeyPatch, within_s: float = 60) -> None:
    """Hide a task's rows behind another producer's open transaction. The successor reports it, and continues behind the rows once that has ended."""
    monkeypatch.setattr(predecessor, "SHOWN_S", 0.2)
    opened = await harness.open(worker="former")
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap, transactional_id=f"{harness.settings.app_id}-another") as another:
        await another.begin_transaction()
        await another.send_and_wait(harness.settings.changelog, b"1", b"unknown\0x", partition=0)
        await harness.send(("a", b""))
        await opened.pump()
        await opened.task.close()

        following = harness.start(worker="next")
        try:
            await until(lambda: "a transaction of another producer is open there" in following.task.trouble, within_s)
            assert not following.task.ready.is_set()
            await another.abort_transaction()
            await until(following.task.ready.is_set, within_s)
            assert following.rows() == {"a": 3, "b": 1}
        finally:
            await following.task.close()
    await harness.expect_counts(a=3, b=1)
