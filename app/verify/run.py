"""Verify run: checks the log, and compares every table with the log (contract, section 5: `verify`)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.reader import reading
from app.streams.kafka.topic_ids import present
from app.topics.admin import refuse_start
from app.topics.contract import topics
from app.verify.findings import Fault, FindingKind, Findings, RecordRef
from app.verify.orders.collector import OrderFacts
from app.verify.orders.facts import FactsOfOrder
from app.verify.orders.settlement import Course, course, faults
from app.verify.partition import PartitionCheck
from app.verify.read_models.customer_name_check import TOLD, Names
from app.verify.read_models.worker_client import WorkerClient
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.end_offsets import spans
from app.verify.reading.log_reader import LogReader, Unread, Watch
from app.verify.totals import Totals
from app.verify.whole import VerifyRun

Tell = Callable[[str], None]
"""Callback for each line of the totals."""


async def audit(settings: Settings, watch: Watch = lambda _done, _total: None, tell: Tell = lambda _line: None) -> list[str]:
    """Check the system and return a line for each finding, none if all is well. Workers may run meanwhile.

    Reads everything that was there at the start once, partition after partition. A temporary directory holds what verify must remember: about
    the size of one partition's commands, results and rows, and a few hundred bytes for each order. Raises FoldstreamError if the broker or a
    topic is missing.
    """
    await refuse_start(settings)
    findings, sums = Findings(), Totals()
    try:
        with TemporaryDirectory(prefix="foldstream-verify-") as directory, closing(DiskMap(Path(directory) / "orders")) as scratch:
            whole = VerifyRun(
                settings, LogReader(settings, await spans(settings), watch), findings, OrderFacts(scratch), Names(scratch), sums, await _topic_ids(settings)
            )
            async with WorkerClient(settings) as served:
                for partition in range(settings.partitions):
                    await _judge(whole, served, partition, Path(directory))
            if findings.counted(FindingKind.UNJUDGED):
                tell("orders: not judged, for some of what is known of them could not be read")
            else:
                await _settle(whole)
    except (KafkaError, OSError) as error:
        raise FoldstreamError(f"Kafka at {settings.bootstrap} did not give what is to be verified; run it again: {error!r}") from error
    except FoldstreamError:
        raise
    except Exception as error:
        raise FoldstreamError(f"the audit itself failed, which is a defect of it, and nothing was judged: {error!r}") from error
    for line in sums.lines():
        tell(line)
    return findings.lines()


async def _topic_ids(settings: Settings) -> dict[str, str]:
    async with reading(settings.bootstrap) as consumer:
        return (await present(consumer._client, [topic.name for topic in topics(settings)])).topic_ids  # noqa: SLF001 (aiokafka has no public way to ask)


async def _judge(whole: VerifyRun, served: WorkerClient, partition: int, directory: Path) -> None:
    judging = whole.findings.judging(RecordRef("all topics", partition, None, None))
    with TemporaryDirectory(dir=directory) as own, closing(DiskMap(Path(own) / "scratch")) as scratch, judging:
        try:
            await PartitionCheck(whole, scratch, partition).judge(served)
        except Unread as error:
            whole.findings.add(FindingKind.UNJUDGED, error.place, str(error))


async def _settle(whole: VerifyRun) -> None:
    """Check the orders, and the customer names in their rows, once all partitions are read."""
    topic = whole.settings.topic("events.saga")
    async for told in whole.orders.told():
        with whole.findings.judging(RecordRef(topic, 0, None, told.order_id.encode())):
            _judge_order(whole, topic, told)
    async for customer_id, partition, wrong in whole.names.wrong():
        whole.findings.add(FindingKind.WRONG_VIEW, RecordRef(TOLD, partition, None, customer_id.encode()), wrong)


def _judge_order(whole: VerifyRun, topic: str, told: FactsOfOrder) -> None:
    if not whole.orders.known(told):
        whole.sums.unjudged("orders", 1)
        return
    what = course(told)
    whole.sums.order(told, what)
    for kind, wrong in _wrong(told, what, whole.orders):
        assert told.saga is not None, "only what a saga follows is judged"
        whole.findings.add(kind, RecordRef(topic, told.saga.partition, told.saga.offset, told.order_id.encode()), wrong)


def _wrong(told: FactsOfOrder, what: Course, orders: OrderFacts) -> Iterator[Fault]:
    if told.saga is not None and told.saga.unended and not told.moving:
        yield FindingKind.WRONG_END, "no step of the saga is open any more, and it has no end"
    if told.saga is not None and what is Course.SETTLED:
        yield from ((FindingKind.NOT_SETTLED, fault) for fault in faults(told, told.saga.last, orders.held))
