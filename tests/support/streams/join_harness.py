"""Read models of orders and of customers on one partition, joined through real feeds. The test chooses when which record arrives."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer

from app.domain.read_models.customer_name import CustomerName
from app.handlers.event_handler import FeedJoinHandler
from app.streams.processing.record_queue import RecordBatch
from app.streams.tasks.view_task import ViewTask
from app.streams.topology import ReadTopology, WriteTopology
from schemas.customer import CustomerRegistered
from schemas.envelopes import Event
from schemas.order import OrderItem, OrderPlaced
from tables import customer_account, order_summary
from tables.customer_account import Accounts
from tables.order_summary import Summaries
from tests.support.handlers.world import envelope
from tests.support.streams.harness import Harness
from tests.support.streams.view_harness import ViewFlow
from tests.support.waiting import until

REGISTERED = CustomerRegistered(name="Ada", email="ada@example.org", credit_limit=1, currency="EUR")
PLACED = OrderPlaced(
    customer_id="ada",
    items=(OrderItem(product_id="p", quantity=1, price=1),),
    total_amount=1,
    currency="EUR",
    shipping_address="Here",
    shipping_method="STANDARD",
)


class JoinHarness(Harness):
    """Logs of record, both feeds, and the view tasks that a test opens."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        super().__init__(bootstrap, directory)
        self.summaries = Summaries(self.settings, order_summary.summaries, order_summary.names)
        self.accounts = Accounts(self.settings, customer_account.accounts, customer_account.orderings)

    async def create(self) -> None:
        """Create the topics."""
        await self.create_topics(*self.summaries.events, *self.accounts.events, self.settings.topic("parked"))

    async def write(self, kind: str, identity: str, version: int, event: Event) -> None:
        """Write an event to its log of record."""
        async with AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap) as producer:
            await producer.send_and_wait(self.settings.topic(f"events.{kind.lower()}"), envelope(kind, identity, version, event), identity.encode())

    async def open_views(self, worker: str = "") -> "OpenedJoin":
        """Open the view task of a worker with a disk of its own."""
        settings = self.settings.model_copy(update={"datadir": self.settings.datadir / worker})
        side = ReadTopology(WriteTopology(settings))
        handlers = [FeedJoinHandler(self.summaries), FeedJoinHandler(self.accounts)]
        side.add(self.summaries)
        side.add(self.accounts)
        side.handlers.extend(handlers)
        task = ViewTask(side, 0, ViewFlow())
        task.start()
        await until(task.ready.is_set, within_s=60)
        return OpenedJoin(self, task, handlers)


class OpenedJoin:
    """View task that was opened."""

    def __init__(self, harness: JoinHarness, task: ViewTask, handlers: Sequence[FeedJoinHandler]) -> None:
        self.task = task
        self._harness = harness
        followed = zip(handlers, (harness.summaries.events, harness.accounts.events), strict=True)
        self._topics = [(handler, topic) for handler, topics in followed for topic in topics]

    async def pump(self) -> None:
        """Process the topics one after the other, in an order in which each feed record follows at once, until no topic has new records."""
        handed = -1
        async with asyncio.timeout(60):
            while handed != (handed := await self._hand_over_all()):
                pass

    async def hand_over(self, topic: str, count: int | None = None) -> int:
        """Process the first records of a topic, or all. The task skips those that it has processed before."""
        records = (await self._harness.records(topic))[:count]
        for handler in [handler for handler, followed in self._topics if followed == topic and records]:
            await self.task.ready.wait()
            await self.task.process(RecordBatch(topic, 0, self.task.opening, list(records)), handler)
        return len(records)

    def name(self) -> CustomerName:
        """Return the customer's row in the read model of orders."""
        return self._harness.summaries.customer(self.task.store, "ada")

    async def _hand_over_all(self) -> int:
        return sum([await self.hand_over(topic) for _, topic in self._topics])
