"""Hold: keeps records back behind an open transaction, so that readers of committed records see them only once the transaction ends."""

from aiokafka import AIOKafkaProducer

from app.settings import Settings

LONG_MS = 600_000
"""Timeout of the transaction, longer than any test holds something back. Then the broker ends it."""


class Hold:
    """Holds back one partition of a topic (name on the broker) from `begin` to `end`."""

    def __init__(self, settings: Settings, topic: str, partition: int) -> None:
        self._topic = topic
        self._partition = partition
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-holds-{topic}-{partition}", transaction_timeout_ms=LONG_MS
        )

    async def begin(self) -> None:
        """Hold back everything that is written from now on."""
        await self._producer.start()
        await self._producer.begin_transaction()
        await self._producer.send_and_wait(self._topic, b"never read", b"nobody", self._partition)

    async def end(self) -> None:
        """Release everything held back."""
        await self._producer.abort_transaction()
        await self._producer.stop()
