"""Hand-written loop for comparison: aiokafka and RocksDB, one transactional producer per partition.

usage: python -m bench.loop few|same BOOTSTRAP GROUP PREFIX DIRECTORY

`few` writes event and changelog only, `same` the records that a worker writes. The loop recovers nothing, so it needs fresh topics.
"""

import asyncio
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from rocksdict import Options, Rdict, WriteBatch

from bench.outgoing import CHANGELOG, Written, few, same
from bench.place import PARTITIONS

BATCH = 1_000
KINDS = {"few": few, "same": same}


class Names(NamedTuple):
    """Names of the group and the topics of this run. The group is also the prefix of transactional ids."""

    group: str
    prefix: str

    def topic(self, name: str) -> str:
        """Return the name on the broker of a topic of the contract."""
        return f"{self.prefix}{self.group}-write-changelog" if name == CHANGELOG else self.prefix + name


class Partition:
    """Producer and store of one partition."""

    def __init__(self, kind: str, bootstrap: str, names: Names, number: int, directory: Path) -> None:
        self._outgoing = KINDS[kind]
        self._names = names
        self._number = number
        directory.mkdir(parents=True, exist_ok=True)
        self._store = Rdict(str(directory / str(number)), Options(raw_mode=True))
        self._rows: dict[bytes, bytes] = {}
        self.producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, transactional_id=f"{names.group}-{number}", max_batch_size=1 << 20, linger_ms=0, retry_backoff_ms=5
        )

    async def transact(self, records: list[ConsumerRecord]) -> None:
        """Apply a batch of commands in one transaction."""
        await self.producer.begin_transaction()
        sent = await self._send(written for record in records for written in self._apply(record))
        last = records[-1]
        await self.producer.send_offsets_to_transaction({TopicPartition(last.topic, last.partition): last.offset + 1}, self._names.group)
        await asyncio.gather(*sent)
        await self.producer.commit_transaction()
        self._keep()

    def _apply(self, record: ConsumerRecord) -> list[Written]:
        outgoing = self._outgoing(record, self._row)
        self._rows.update((written.key, written.value) for written in outgoing if written.topic == CHANGELOG)
        return outgoing

    def _row(self, key: bytes) -> bytes | None:
        row: bytes | None = self._rows.get(key) or self._store.get(key)
        return row

    async def _send(self, outgoing: Iterable[Written]) -> list["asyncio.Future[object]"]:
        builders: dict[str, Any] = {}
        sent = []
        for topic, key, value, headers in outgoing:
            builder = builders.get(topic) or builders.setdefault(topic, self.producer.create_batch())
            if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                sent.append(await self._send_batch(topic, builder))
                builders[topic] = self.producer.create_batch()
                builders[topic].append(key=key, value=value, timestamp=None, headers=headers)
        return sent + [await self._send_batch(topic, builder) for topic, builder in builders.items()]

    async def _send_batch(self, topic: str, builder: object) -> "asyncio.Future[object]":
        future: asyncio.Future[object] = await self.producer.send_batch(builder, self._names.topic(topic), partition=self._number)
        return future

    def _keep(self) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, row in self._rows.items():
            batch.put(key, row)
        self._store.write(batch)
        self._rows.clear()


async def main(kind: str, bootstrap: str, group: str, prefix: str, directory: str) -> None:
    """Serve all partitions until SIGTERM."""
    names, folder, stop = Names(group, prefix), Path(directory), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    commands = names.topic("commands.order")
    consumer = AIOKafkaConsumer(commands, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    async with consumer, asyncio.TaskGroup() as tasks:
        for number in range(PARTITIONS):
            tasks.create_task(_serve(consumer, Partition(kind, bootstrap, names, number, folder), TopicPartition(commands, number), stop))


async def _serve(consumer: AIOKafkaConsumer, partition: Partition, where: TopicPartition, stop: asyncio.Event) -> None:
    async with partition.producer:
        while not stop.is_set():
            records = (await consumer.getmany(where, timeout_ms=100, max_records=BATCH)).get(where)
            if records:
                await partition.transact(records)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
