"""What is written behind an open transaction comes late: nobody who reads what is committed sees it before that transaction ends."""

from aiokafka import AIOKafkaProducer

from app.settings import Settings

LONG_MS = 600_000
"""Longer than any test holds something up: then the broker ends the transaction."""


class Hold:
    """Holds up one partition of a topic (its name on the broker) from `begin` to `end`."""

    def __init__(self, settings: Settings, topic: str, partition: int) -> None:
        self._topic = topic
        self._partition = partition
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-holds-{topic}-{partition}", transaction_timeout_ms=LONG_MS
        )

    async def begin(self) -> None:
        """From now on what is written is late."""
        await self._producer.start()
        await self._producer.begin_transaction()
        await self._producer.send_and_wait(self._topic, b"never read", b"nobody", self._partition)

    async def end(self) -> None:
        """All of it comes now."""
        await self._producer.abort_transaction()
        await self._producer.stop()
