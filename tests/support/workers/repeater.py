"""Outside producer that repeats answers to sagas."""

import asyncio
from collections.abc import Iterable
from typing import Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.settings import Settings
from app.topics.contract import command_topic

REPEATED = ("repeated", b"")
"""Header that marks the records of this producer."""


class Repeater:
    """Repeats each answer to these commands as soon as it arrives; `again` repeats all of them once more."""

    def __init__(self, settings: Settings, command_ids: Iterable[str]) -> None:
        self._settings = settings
        self._wanted = set(command_ids)
        self._found: dict[str, ConsumerRecord] = {}

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._settings.bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest")
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(command_topic(self._settings, "Saga"), partition) for partition in range(self._settings.partitions)])
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._following.cancel()
        await asyncio.wait([self._following])
        await self._consumer.stop()
        await self._producer.stop()

    @property
    def repeated(self) -> set[str]:
        """Commands whose answers have arrived."""
        return set(self._found)

    async def again(self) -> None:
        """Repeat all answers that have arrived."""
        for record in list(self._found.values()):
            await self._repeat(record)

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    command_id = msgspec.json.decode(record.value).get("commandId")
                    if command_id in self._wanted and REPEATED not in record.headers:
                        self._found[command_id] = record
                        await self._repeat(record)

    async def _repeat(self, record: ConsumerRecord) -> None:
        await self._producer.send_and_wait(record.topic, record.value, record.key, record.partition, headers=[*record.headers, REPEATED])
