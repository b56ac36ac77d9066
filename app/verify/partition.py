"""Check of one partition. Reads each topic after those that determine its content."""

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.product import product_decider
from app.domain.registry import DECIDERS, EVENT_SOURCED
from app.eventsourcing.decider import Decider
from app.verify.findings import NUL, FindingKind, RecordRef
from app.verify.read_models.check import ReadModelCheck
from app.verify.read_models.worker_client import WorkerClient
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch
from app.verify.whole import VerifyRun
from app.verify.write_side.bookkeeping_rows import judge_answers, judge_parked
from app.verify.write_side.changelog_rows import ChangelogRows
from app.verify.write_side.decisions import DecisionCheck, SagaDecisionCheck
from app.verify.write_side.event_log import EventLogCheck, is_off
from app.verify.write_side.parked_topic import ParkedLog
from app.verify.write_side.results import ResultCheck, told


class PartitionCheck:
    """Check of one partition number of every topic. `whole` is what all partitions share."""

    def __init__(self, whole: VerifyRun, scratch: DiskMap, partition: int) -> None:
        self._whole = whole
        settings, findings = whole.settings, whole.findings
        self._scratch = scratch
        self._partition = partition
        self._commands = {decider.aggregate_type: settings.topic(f"commands.{decider.topic}") for decider in DECIDERS}
        self._views = ReadModelCheck(whole, scratch, partition)
        self._rows = ChangelogRows(scratch, findings, settings.changelog, partition)
        self._parked = ParkedLog(
            scratch,
            findings,
            {topic: whole.topic_ids.get(topic, "") for topic in self._commands.values()},
            [settings.topic(f"events.{decider.topic}") for decider in EVENT_SOURCED],
        )
        self._stock = self._commands[product_decider.aggregate_type]
        self._answers = ResultCheck(whole, scratch, self._parked, self._commands, partition)

    async def judge(self, served: WorkerClient) -> None:
        """Read and check all topics, each after those that determine its content."""
        async for batch in self._whole.logs.read(self._whole.settings.changelog, self._partition, beyond=True):
            self._rows.read(batch)
        await self._views.ask(served)
        await self._read_parked()
        async for batch in self._whole.logs.read(self._whole.settings.topic("results"), self._partition):
            self._answers.results(batch)
        for topic in self._commands.values():
            await self._processed(topic)
        for decider in DECIDERS:
            topic = self._commands[decider.aggregate_type]
            await self._history(decider, DecisionCheck(decider, self._answers, topic, self._whole.logs.span(topic, self._partition).begin))
        await self._history(saga_decider, SagaDecisionCheck(saga_decider, self._answers))
        if self._views.served:
            await self._views.finish()
        await judge_parked(self._rows, self._parked, {self._commands[decider.aggregate_type]: decider.topic for decider in DECIDERS})
        await self._eventless()

    async def _read_parked(self) -> None:
        """Read the topic `parked`.

        Records of the write side count up to the end of the span; records of views up to now, because their rows were fetched a moment ago.
        """
        topic = self._whole.settings.topic("parked")
        end = self._whole.logs.span(topic, self._partition).end
        async for batch in self._whole.logs.read(topic, self._partition, beyond=self._views.served):
            self._views.parked(batch)
            below = batch._replace(records=[record for record in batch.records if record.offset < end])
            self._parked.read(below)
            self._hold(below)
        await self._views.let_off_parked()

    def _hold(self, batch: Batch) -> None:
        """Mark products with parked commands: these may have been discarded, or may still take effect."""
        for record in batch.records:
            if dict(record.headers).get("parked-topic") == self._stock.encode() and record.key:
                self._whole.orders.hold(record.key)

    async def _processed(self, topic: str) -> None:
        """Check the commands below the task's position. A later command is kept, too, if it was accepted."""
        offset_next, span = self._rows.offset_next(topic, self._whole.topic_ids.get(topic, "")), self._whole.logs.span(topic, self._partition)
        if topic == self._stock and span.end < span.sure:
            self._whole.orders.hold_all()
        async for batch in self._whole.logs.read(topic, self._partition):
            for record in batch.records:
                self._answers.command(record, processed=record.offset < offset_next)
                if topic == self._stock and offset_next <= record.offset < batch.sure and record.key:
                    self._whole.orders.hold(record.key)

    async def _history(self, decider: Decider, causes: DecisionCheck) -> None:
        history = EventLogCheck(decider, self._rows, causes, self._whole, self._scratch)
        topic = self._whole.settings.topic(f"events.{decider.topic}")
        end = self._whole.logs.span(topic, self._partition).end
        async for batch in self._whole.logs.read(topic, self._partition, beyond=self._views.served):
            history.read(batch._replace(records=[record for record in batch.records if record.offset < end]))
            if self._views.served:
                self._views.read(decider.topic, batch.records)
        await history.finish()
        if decider is product_decider:
            async for root in history.roots():
                self._whole.sums.product(root)
        await judge_answers(decider, self._rows, self._answers.firsts, complete=not self._answers.cut)

    async def _eventless(self) -> None:
        topic = self._whole.settings.topic("results")
        async for name, first in self._answers.firsts.eventless():
            aggregate_type, aggregate_id, *_ = name.decode().split(NUL)
            if not is_off(self._scratch, aggregate_type, aggregate_id):
                missing = f"command {told(name)} was accepted with {first.events} events, of which {first.seen} are in the log"
                self._whole.findings.add(FindingKind.WRONG_RESULT, RecordRef(topic, self._partition, first.result, None), missing)
