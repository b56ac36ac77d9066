"""Log of record that lost its end, as after an unclean election or with a disk restored from an old copy: tasks know more than the log has."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from tests.conftest import FreePort
from tests.support.streams.harness import Harness
from tests.support.streams.view_harness import ViewHarness


@pytest.fixture
def own(tmp_path: Path, free_port: FreePort) -> Iterator[EmbeddedKafka]:
    """Yield a broker that this test may stop."""
    broker = EmbeddedKafka(tmp_path / "kafka", free_port())
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


async def test_a_log_that_lost_its_last_transaction_stops_its_task_on_an_empty_disk_and_its_view(own: EmbeddedKafka, tmp_path: Path) -> None:
    counted, folded = Harness(own.bootstrap, tmp_path / "task"), ViewHarness(own.bootstrap, tmp_path / "view")
    await counted.create_topics()
    await folded.create()
    task = await counted.open()
    for _ in range(2):
        await counted.send(("a", b""))
        await task.pump()
    view = await folded.open_view()
    await folded.write_events(("a", 1), transactional=True)
    await folded.write_events(("a", 2), transactional=True)
    await view.pump()
    await task.task.close()
    await view.task.close()

    own.stop()
    for log in (counted.settings.topic("events.count"), folded.orders):
        cut(own.home.records, f"{log}-0", batches=2)  # records and marker of one transaction
    own.start()

    task, view = await counted.open(worker="successor"), await folded.open_view()
    await task.task.close()
    await view.task.close()
    assert "events.count [0] ends at 2, below 4" in task.task.stop_reason
    assert "events.order ends at 2, below" in view.task.stop_reason


def cut(records: Path, partition: str, batches: int) -> None:
    """Cut the last batches off a partition of a stopped broker, and delete all files that would show that they existed."""
    [segment] = (records / partition).glob("*.log")
    raw, starts, at = segment.read_bytes(), [], 0
    while at < len(raw) and (length := struct.unpack_from(">qi", raw, at)[1]):
        starts.append(at)
        at += 12 + length
    with segment.open("r+b") as file:
        file.truncate(starts[-batches])
    for derived in ("*.index", "*.timeindex", "*.snapshot", "*.txnindex"):
        for path in (records / partition).glob(derived):
            path.unlink()
    for path in (records / ".kafka_cleanshutdown", *records.glob("*-checkpoint")):
        path.unlink(missing_ok=True)
