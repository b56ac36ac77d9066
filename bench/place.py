"""Environment of a run: an embedded Kafka of its own in a temporary directory, with fresh topics for each engine."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is documented there

from app.embedded_kafka.embedded import EmbeddedKafka
from app.settings import Settings
from app.topics.admin import apply
from bench.command import Command

PARTITIONS = 4
_ANSWER_S = 30.0
_SEVERE = 2
"""Log level of librdkafka. It suppresses messages that a stopped broker is gone."""


_NO_LEADER_YET = {KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART}
"""Errors that a broker may return for a topic that was just created."""


class Place:
    """Broker of a run, and the bench's own requests to it."""

    def __init__(self, kafka: EmbeddedKafka, directory: Path) -> None:
        self.bootstrap = kafka.bootstrap
        running = kafka.status()
        assert running is not None, "it was started"
        self.broker_pid = running.pid
        self._directory = directory
        self._admin = AdminClient(client(self.bootstrap))

    @contextmanager
    def fresh(self, name: str, partitions: int = PARTITIONS) -> Iterator[Settings]:
        """Create settings with empty topics and no other state. Topics and data are removed at the end of the block."""
        datadir = self._directory / name
        settings = Settings(broker=self.bootstrap, datadir=datadir, app_id=name, topic_prefix=f"{name}.", partitions=partitions, replication=1)
        asyncio.run(apply(settings))
        try:
            yield settings
        finally:
            self._remove(settings)
            shutil.rmtree(datadir, ignore_errors=True)

    def fill(self, settings: Settings, commands: Iterable[Command], aggregate: str = "order") -> int:
        """Write commands to orders, or to aggregates of another type. Return their number once all are in the log."""
        producer = Producer({**client(self.bootstrap), "partitioner": "murmur2_random", "linger.ms": 5})
        count = 0
        for key, value in commands:
            produce(producer, settings.topic(f"commands.{aggregate}"), key, value)
            count += 1
        left = producer.flush(_ANSWER_S)
        assert left == 0, "the broker took all commands"
        return count

    def ends(self, topic: str, partitions: int) -> int:
        """Return how many offsets of a topic a read_committed consumer may read, including commit markers."""
        deadline_s = time.monotonic() + _ANSWER_S
        while True:
            try:
                return self._ends(topic, partitions)
            except KafkaException as error:
                if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline_s:
                    raise
                time.sleep(0.1)

    def _ends(self, topic: str, partitions: int) -> int:
        wanted = {TopicPartition(topic, number): OffsetSpec.latest() for number in range(partitions)}  # type: ignore[no-untyped-call]
        found = self._admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_ANSWER_S)
        return sum(future.result().offset for future in found.values())

    def _remove(self, settings: Settings) -> None:
        names = [name for name in self._admin.list_topics(timeout=_ANSWER_S).topics if name.startswith(settings.topic_prefix)]
        for future in self._admin.delete_topics(names, operation_timeout=_ANSWER_S).values():
            future.result()


def client(bootstrap: str) -> dict[str, str | int | float | bool]:
    """Return the settings of all of the bench's own clients."""
    return {"bootstrap.servers": bootstrap, "log_level": _SEVERE}


def produce(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    """Write a record as soon as the producer's queue has room for it."""
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


@contextmanager
def place(port: int) -> Iterator[Place]:
    """Run a broker while the block runs. Clients connect to `port`; its controller uses the next one."""
    with tempfile.TemporaryDirectory(prefix="foldstream-bench-") as name:
        directory = Path(name)
        kafka = EmbeddedKafka(directory, port)
        try:
            kafka.start(say)
            yield Place(kafka, directory)
        finally:
            kafka.stop()


def say(what: str) -> None:
    """Print a line about the progress of the run."""
    print(f"> {what}", flush=True)


def machine() -> str:
    """Describe the machine of the run."""
    return f"worker, broker and load on {os.cpu_count()} cores"
