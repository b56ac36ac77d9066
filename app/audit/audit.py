"""Whether the log is what it must be, and every table of the write side what the log says (contract, section 5: `verify`)."""

from collections.abc import AsyncIterator, Iterator

from aiokafka import ConsumerRecord

from app.audit.answers import Answers
from app.audit.history import History
from app.audit.parked import states
from app.audit.rows import Folds, Rows, differences, offset_next, read_rows
from app.domain.decider import Decider
from app.domain.deciders import DECIDERS
from app.log import Log
from app.settings import Settings


async def audit(settings: Settings) -> list[str]:
    """A line for each thing that is wrong, none when all is well; workers may be at work meanwhile.

    Read are the partitions one after the other, each up to the end it has then. FoldstreamError when the broker or a topic is not there.
    """
    async with Log(settings) as log:
        return [finding for partition in range(settings.partitions) async for finding in _Partition(log, settings, partition).findings()]


class _Partition:
    """One partition number of every topic: in memory are its aggregates, the ids of its events and of the commands still in the log."""

    def __init__(self, log: Log, settings: Settings, partition: int) -> None:
        self._log = log
        self._settings = settings
        self._partition = partition

    async def findings(self) -> AsyncIterator[str]:
        """A line for each thing that is wrong. The changelog is read first: all that its rows stand for is found in the topics read after it."""
        rows = await self._rows()
        folds: Folds = {}
        for decider in DECIDERS:
            async for finding in self._history(decider, folds):
                yield finding
        async for finding in self._differences(rows, folds):
            yield finding
        async for finding in self._answers(rows):
            yield finding

    async def _history(self, decider: Decider, folds: Folds) -> AsyncIterator[str]:
        history = History(decider, self._settings.partitions)
        async for record in self._read(self._settings.topic(f"events.{decider.topic}")):
            for finding in history.read(record):
                yield finding
        folds.update(history.rows())

    async def _differences(self, rows: Rows, folds: Folds) -> AsyncIterator[str]:
        """A row that has changed since it was read was behind the events, and says nothing."""
        differing = dict(differences(rows, folds))
        again = await self._rows() if differing else rows
        for key, finding in differing.items():
            if rows.get(key) == again.get(key):
                yield f"{self._settings.changelog} [{self._partition}]: {finding}"

    async def _rows(self) -> Rows:
        return await read_rows(self._read(self._settings.changelog))

    async def _answers(self, rows: Rows) -> AsyncIterator[str]:
        answers, topic_parked = Answers(self._settings.partitions), self._settings.topic("parked")
        before = await states(self._read(topic_parked))
        async for record in self._read(self._settings.topic("results")):
            for finding in answers.result(record):
                yield finding
        after = await states(self._read(topic_parked))
        for finding in answers.findings():
            yield finding
        for topic in self._inputs():
            async for record in self._read(topic):
                if record.offset < offset_next(rows, topic):
                    place = (topic, record.offset)
                    for finding in answers.command(record, before.get(place), after.get(place)):
                        yield finding

    def _inputs(self) -> Iterator[str]:
        return (self._settings.topic(f"commands.{decider.topic}") for decider in DECIDERS)

    def _read(self, topic: str) -> AsyncIterator[ConsumerRecord]:
        return self._log.partition(topic, self._partition)
