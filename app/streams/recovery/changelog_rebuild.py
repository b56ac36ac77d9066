"""Rebuild of a changelog from the log of record. The log is the truth; the changelog is a cache of it."""

import logging
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec.structs import replace

from app.streams.errors import DataLossDetected, UnreadableLog
from app.streams.kafka.reader import bounds, read
from app.streams.kafka.skips import Skips
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.predecessor import shown
from app.streams.parking.record import SKIPPED, ParkingOutcome, parse
from app.streams.parking.rows import ReadAgain
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.progress import ProgressLog
from app.streams.recovery.changelog_identity import ROW, UNFINISHED, ChangelogIdentity, RebuildScope, identities
from app.streams.state.positions import InputPosition, positions
from app.streams.timers.timers import set_timer
from app.streams.topology import WriteTopology

log = logging.getLogger(__name__)

CHUNK = 2_000
"""Rows changed before they are committed, so that the transactions of a rebuild are bounded like any other."""


class ChangelogRebuilder:
    """One rebuild of one task. The identity row is written last, so that an interrupted rebuild starts again."""

    def __init__(  # noqa: PLR0913, PLR0917 (what a rebuild reads, and what it writes)
        self,
        side: WriteTopology,
        consumer: AIOKafkaConsumer,
        unit: TransactionalUnitOfWork,
        cluster: ClusterIds,
        group: dict[str, int],
        skips: Skips,
        *,
        accept_loss: bool,
    ) -> None:
        """`group` holds the offsets that the consumer group committed, by topic."""
        self._side = side
        self._consumer = consumer
        self._unit = unit
        self._cluster = cluster
        self._group = group
        self._skips = skips
        self._partition = unit.changelog.partition
        self._accept_loss = accept_loss
        self._changed = 0
        self._parking = ReadAgain()

    async def run(self, extent: RebuildScope, identity: ChangelogIdentity) -> None:
        """Rebuild `extent`, then write the identity row."""
        everything = extent is RebuildScope.EVERYTHING
        if everything:
            await shown(self._consumer, [TopicPartition(self._side.settings.topic(name), self._partition) for name in ("results", "parked")])
        await self._invalidate()
        await self._delete(self._unit.rows.store.scan(b"") if everything else self._folded())
        for fold in self._side.folds:
            await self._each(fold.events, _reading(fold.apply))
            if everything:
                await self._each(fold.events, fold.accepted)
        if everything:
            await self._recover_inputs()
        await self._set_timers()
        identities[ROW] = identity
        self._unit.ends.keep()
        await self._unit.commit()

    async def _invalidate(self) -> None:
        """Invalidate the identity row until the rebuild is done. No code may accept the rows, least of all the code that wrote them: it may come back."""
        found = identities.get(ROW)
        if found is not None:
            identities[ROW] = replace(found, fingerprint=UNFINISHED)
            await self._unit.flush()

    async def _set_timers(self) -> None:
        """Set the timers again. Each timer handler reads from its rows which keys wait, and until when."""
        await self._unit.flush()
        for sleeper in self._side.sleepers.values():
            for key, due_ms in sleeper.asleep(self._unit.rows.store):
                set_timer(sleeper.agent, key, due_ms)
                await self._advance(1)

    async def _recover_inputs(self) -> None:
        seen: dict[str, int] = {}
        await self._each(self._side.settings.topic("results"), lambda record: self._answered(record, seen))
        await self._each(self._side.settings.topic("parked"), lambda record: self._parked(record, seen))
        fresh = not seen and not any([await self._end(log_) for log_ in self._side.logs])
        for topic in self._side.inputs:
            offset_next = await self._behind(topic, seen[topic]) if topic in seen else await self._from_group(topic, fresh=fresh)
            topic_id = self._cluster.topic_ids[topic]
            positions[topic] = InputPosition(topic_id, offset_next, generation=self._parking.generation(topic, topic_id))

    async def _behind(self, topic: str, last: int) -> int:
        """Return the position after the last known record. If that record was deleted, only the group's offset shows whether a commit marker followed."""
        begin, _ = await bounds(self._consumer, TopicPartition(topic, self._partition))
        return max(last + 1, self._group.get(topic, 0)) if last + 1 < begin else last + 1

    def _answered(self, result: ConsumerRecord, seen: dict[str, int]) -> None:
        self._note(result, "command", seen)
        for fold in self._side.folds:
            fold.answered(result)

    def _parked(self, record: ConsumerRecord, seen: dict[str, int]) -> None:
        said = parse(record)
        if isinstance(said, ParkingOutcome) and said.outcome == SKIPPED:  # a skip: no record was processed
            return
        self._note(record, "parked", seen)
        handler = self._side.handlers.get(said.topic)
        if handler is not None:  # records of other topics were parked by views
            self._parking.take(record, handler.agent)

    def _note(self, record: ConsumerRecord, what: str, seen: dict[str, int]) -> None:
        """Remember the highest offset that a record of ours names, in a topic that has not been created again or copied since."""
        headers = dict(record.headers)
        topic, topic_id = headers.get(f"{what}-topic", b"").decode(), headers.get(f"{what}-topic-id", b"").decode()
        if headers.get(f"{what}-partition") == str(self._partition).encode() and topic_id == self._cluster.topic_ids.get(topic):
            seen[topic] = max(seen.get(topic, -1), int(headers[f"{what}-offset"]))

    async def _from_group(self, topic: str, *, fresh: bool) -> int:
        where = TopicPartition(topic, self._partition)
        begin, end = await bounds(self._consumer, where)
        if topic in self._side.repeatable:
            return begin
        if topic in self._group and not fresh:
            return self._group[topic]
        if not fresh and end > begin and not self._accept_loss:
            message = (
                f"nothing says how far {topic} [{self._partition}] was processed (it was created again or copied, or what was answered is no longer kept): "
                "start with --accept-loss to process it from its beginning. Commands that were processed before are answered as duplicates; "
                "of one aggregate, the last 256 are known"
            )
            raise DataLossDetected(message)
        return begin

    async def _end(self, topic: str) -> int:
        _, end = await bounds(self._consumer, TopicPartition(topic, self._partition))
        return end

    def _folded(self) -> Iterable[tuple[bytes, bytes]]:
        for fold in self._side.folds:
            for table in fold.tables:
                yield from self._unit.rows.store.scan(table.prefix)

    async def _delete(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        for key in [key for key, _ in rows if not key.startswith(b"\xff")]:
            self._unit.rows.delete(key)
            await self._advance(1)

    async def _each(self, topic: str, handle: Callable[[ConsumerRecord], None]) -> None:
        where = TopicPartition(topic, self._partition)
        begin, end = await bounds(self._consumer, where)
        progress = ProgressLog(f"task {self._partition}: rebuilding from {topic}", end - begin)
        async for records, position in read(self._consumer, where, begin, end, self._skips):
            for record in records:
                handle(record)
                await self._advance(1)
            progress.at(position - begin)

    async def _advance(self, changed: int) -> None:
        self._changed += changed
        if self._changed >= CHUNK:
            self._changed = 0
            await self._unit.flush()


def _reading(apply: Callable[[ConsumerRecord], None]) -> Callable[[ConsumerRecord], None]:
    """Name the event that cannot be folded: skipping it would lose it, parking it would move it out of the log."""

    def read_event(event: ConsumerRecord) -> None:
        try:
            apply(event)
        except (ValueError, LookupError, AssertionError) as error:
            where = f"{event.topic} [{event.partition}] {event.offset}"
            raise UnreadableLog(f"{where} cannot be folded: {error!r}: start the Foldstream that wrote it, or a later one") from error

    return read_event
