"""Whether the log is what it must be, and every table of the write side what the log says (contract, section 5: `verify`)."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka.errors import KafkaError

from app.admin import refuse_start
from app.audit.answers import Answers
from app.audit.causes import Causes
from app.audit.ends import spans
from app.audit.finding import Findings, Kind, Place
from app.audit.history import History
from app.audit.logs import Logs, Watch
from app.audit.parked import ParkedLog
from app.audit.rows import Rows
from app.audit.saga import SagaCauses
from app.audit.scratch import Scratch
from app.audit.windows import judge_answers, judge_parked
from app.domain.decider import Decider
from app.domain.deciders import DECIDERS
from app.domain.fulfilment.operate import saga_decider
from app.errors import FoldstreamError
from app.settings import Settings
from app.topics import command_topic


async def audit(settings: Settings, watch: Watch = lambda _done, _total: None) -> list[str]:
    """A line for each thing that is wrong, none when all is well; workers may be at work meanwhile.

    Read is what was there at the start, once, partition after partition. What has to be remembered is in a temporary directory, of about the
    size of one partition's commands, results and rows. FoldstreamError when the broker or a topic is not there.
    """
    await refuse_start(settings)
    findings = Findings()
    try:
        with TemporaryDirectory(prefix="foldstream-verify-") as directory:
            logs = Logs(settings, await spans(settings), watch)
            for partition in range(settings.partitions):
                await _judge(logs, settings, findings, partition, Path(directory))
    except KafkaError as error:
        raise FoldstreamError(f"Kafka at {settings.bootstrap} did not give what is to be verified; run it again: {error!r}") from error
    return findings.lines()


async def _judge(logs: Logs, settings: Settings, findings: Findings, partition: int, directory: Path) -> None:
    with TemporaryDirectory(dir=directory) as own, closing(Scratch(Path(own) / "scratch")) as scratch:
        await _Partition(logs, settings, findings, scratch, partition).judge()


class _Partition:
    """One partition number of every topic."""

    def __init__(self, logs: Logs, settings: Settings, findings: Findings, scratch: Scratch, partition: int) -> None:
        self._logs = logs
        self._settings = settings
        self._findings = findings
        self._scratch = scratch
        self._partition = partition
        self._commands = {decider.aggregate_type: settings.topic(f"commands.{decider.topic}") for decider in DECIDERS}
        self._rows = Rows(scratch, findings, settings.changelog, partition)
        self._parked = ParkedLog(scratch, findings, self._commands.values())
        inboxes = {saga_decider.aggregate_type: command_topic(settings, saga_decider.aggregate_type)}
        self._answers = Answers(scratch, findings, self._parked, self._commands | inboxes, self._commands, settings.partitions)

    async def judge(self) -> None:
        """Each topic is read after those that say what must be in it."""
        async for batch in self._logs.read(self._settings.changelog, self._partition, beyond=True):
            self._rows.read(batch)
        async for batch in self._logs.read(self._settings.topic("parked"), self._partition):
            self._parked.read(batch)
        async for batch in self._logs.read(self._settings.topic("results"), self._partition):
            self._answers.results(batch)
        for topic in self._commands.values():
            await self._processed(topic)
        for decider in DECIDERS:
            topic = self._commands[decider.aggregate_type]
            await self._history(decider, Causes(decider, self._answers, topic, self._logs.span(topic, self._partition).begin))
        await self._history(saga_decider, SagaCauses(saga_decider, self._answers))
        await judge_parked(self._rows, self._parked, {self._commands[decider.aggregate_type]: decider.topic for decider in DECIDERS})
        await self._eventless()

    async def _processed(self, topic: str) -> None:
        """The commands below the task's position; a later one is kept, too, if it was accepted."""
        offset_next = self._rows.offset_next(topic)
        async for batch in self._logs.read(topic, self._partition):
            for record in batch.records:
                self._answers.command(record, processed=record.offset < offset_next)

    async def _history(self, decider: Decider, causes: Causes) -> None:
        history = History(decider, self._rows, causes, self._scratch, self._findings, self._settings.partitions)
        async for batch in self._logs.read(self._settings.topic(f"events.{decider.topic}"), self._partition):
            history.read(batch)
        await history.finish()
        await judge_answers(decider, self._rows, self._answers.firsts, complete=not self._answers.cut)

    async def _eventless(self) -> None:
        async for name, first in self._answers.firsts.eventless():
            told = f"command {name} was accepted with {first.events} events, of which {first.seen} are in the log"
            self._findings.add(Kind.WRONG_RESULT, Place(self._settings.topic("results"), self._partition, first.result, None), told)
