"""The hand-written loop to compare with: aiokafka and RocksDB, one transactional producer per partition, event and changelog only.

usage: python -m bench.loop BOOTSTRAP COMMANDS EVENTS CHANGELOG DIRECTORY
"""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from rocksdict import Options, Rdict, WriteBatch

BATCH = 1_000
PARTITIONS = 4


class Partition:
    """One partition's producer and store."""

    def __init__(self, bootstrap: str, number: int, directory: Path, events: str, changelog: str) -> None:
        self._number = number
        self._events = events
        self._changelog = changelog
        self._store = Rdict(str(directory / str(number)), Options(raw_mode=True))
        self.producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, transactional_id=f"loop-{number}", max_batch_size=1 << 20, linger_ms=0, retry_backoff_ms=5
        )

    async def transact(self, records: list[ConsumerRecord], group: str) -> None:
        """Apply a batch of commands in one transaction."""
        rows: dict[bytes, bytes] = {}
        await self.producer.begin_transaction()
        outgoing = [pair for record in records for pair in self._apply(record, rows)]
        sent = [future for topic in (self._events, self._changelog) for future in await self._send(topic, [o for o in outgoing if o[0] == topic])]
        last = records[-1]
        await self.producer.send_offsets_to_transaction({TopicPartition(last.topic, last.partition): last.offset + 1}, group)
        await asyncio.gather(*sent)
        await self.producer.commit_transaction()
        batch = WriteBatch(raw_mode=True)
        for key, row in rows.items():
            batch.put(key, row)
        self._store.write(batch)

    def _apply(self, record: ConsumerRecord, rows: dict[bytes, bytes]) -> list[tuple[str, bytes, bytes]]:
        command = msgspec.json.decode(record.value)
        before = rows.get(record.key) or self._store.get(record.key)
        version = (msgspec.json.decode(before)["version"] if before else 0) + 1
        total = sum(item["quantity"] * item["price"] for item in command["payload"]["items"])
        row = rows[record.key] = msgspec.json.encode({"version": version, "status": "PLACED", "total": total})
        event = msgspec.json.encode({**command, "eventType": "OrderPlaced", "version": version})
        return [(self._events, record.key, event), (self._changelog, record.key, row)]

    async def _send(self, topic: str, outgoing: list[tuple[str, bytes, bytes]]) -> list["asyncio.Future[object]"]:
        builders = [self.producer.create_batch()]
        for _, key, value in outgoing:
            if builders[-1].append(key=key, value=value, timestamp=None) is None:
                builders.append(self.producer.create_batch())
                builders[-1].append(key=key, value=value, timestamp=None)
        return [await self.producer.send_batch(builder, topic, partition=self._number) for builder in builders]


async def main(bootstrap: str, commands: str, events: str, changelog: str, directory: Path) -> None:
    """Serve all partitions until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    consumer = AIOKafkaConsumer(commands, bootstrap_servers=bootstrap, group_id="loop", auto_offset_reset="earliest", enable_auto_commit=False)
    async with consumer, asyncio.TaskGroup() as group:
        for number in range(PARTITIONS):
            group.create_task(_serve(consumer, Partition(bootstrap, number, directory, events, changelog), TopicPartition(commands, number), stop))


async def _serve(consumer: AIOKafkaConsumer, partition: Partition, where: TopicPartition, stop: asyncio.Event) -> None:
    async with partition.producer:
        while not stop.is_set():
            records = (await consumer.getmany(where, timeout_ms=100, max_records=BATCH)).get(where)
            if records:
                await partition.transact(records, "loop")


if __name__ == "__main__":
    words, folder = sys.argv[1:5], Path(sys.argv[5])
    folder.mkdir(parents=True)
    asyncio.run(main(*words, folder))  # type: ignore[call-arg]  # exactly four words
