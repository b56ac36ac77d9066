"""The embedded broker itself: one process per data directory, whose records survive it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from app.embedded_kafka.embedded import EmbeddedKafka
from app.embedded_kafka.status import Status
from app.errors import FoldstreamError
from tests.conftest import FreePort, RunningKafka


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[EmbeddedKafka]:
    """Yield a broker that these tests may stop. A test may find it running or not."""
    embedded = EmbeddedKafka(tmp_path_factory.mktemp("own kafka é"), free_port())
    yield embedded
    embedded.stop()


@pytest.mark.long
async def test_records_survive_a_restart(own: EmbeddedKafka) -> None:
    own.start()
    await _write(own, "restarted", b"before the restart")

    own.stop()
    own.start()

    assert await _read(own, "restarted") == b"before the restart"


@pytest.mark.long
async def test_records_survive_a_killed_broker(own: EmbeddedKafka) -> None:
    own.start()
    await _write(own, "killed", b"before the kill")

    own.kill()
    started = own.start()

    assert started
    assert await _read(own, "killed") == b"before the kill"


def test_a_second_start_finds_the_first_broker(kafka: RunningKafka) -> None:
    before = kafka.embedded.status()

    started = kafka.embedded.start()

    assert not started
    assert kafka.embedded.status() == before


@pytest.mark.long
def test_two_starts_at_once_make_one_broker(own: EmbeddedKafka) -> None:
    own.stop()

    with ThreadPoolExecutor() as threads:
        started = list(threads.map(lambda _: own.start(), range(2)))

    assert sorted(started) == [False, True]


@pytest.mark.long
def test_a_stopped_broker_is_gone(own: EmbeddedKafka) -> None:
    own.start()
    running = own.status()

    own.stop()

    assert running
    assert not psutil.pid_exists(running.pid)
    assert own.status() is None


def test_a_broker_that_runs_on_another_port_is_used_there(kafka: RunningKafka) -> None:
    elsewhere = EmbeddedKafka(kafka.embedded.home.root.parent, kafka.embedded.port + 10)

    started = elsewhere.start()

    assert not started
    assert elsewhere.bootstrap == kafka.bootstrap


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"pid":"1","port":2}', b'{"pid":-1,"port":2}', b'{"pid":1,"port":99999}', b"\xff"])
def test_a_damaged_file_of_the_running_broker_counts_as_absent(damaged: bytes, tmp_path: Path, free_port: FreePort) -> None:
    embedded = EmbeddedKafka(tmp_path, free_port())
    embedded.home.root.mkdir()
    embedded.home.running.write_bytes(damaged)

    assert embedded.status() is None


def test_a_port_that_another_program_holds_is_named(own: EmbeddedKafka) -> None:
    own.stop()

    with socket.create_server(("127.0.0.1", own.port)), pytest.raises(FoldstreamError, match=f"port {own.port} is taken by another program"):
        own.start()


def test_another_process_with_the_brokers_old_id_is_neither_shown_nor_ended(own: EmbeddedKafka) -> None:
    own.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        Status(bystander.pid, own.port).write(own.home.running)

        shown = own.status()
        own.kill()
        own.stop()

        assert shown is None
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_the_broker_listens_on_the_loopback_address_only(kafka: RunningKafka) -> None:
    running = kafka.embedded.status()
    assert running

    listening = [connection.laddr for connection in psutil.Process(running.pid).net_connections("tcp") if connection.status == psutil.CONN_LISTEN]

    assert {address.port for address in listening} == {running.port, running.port + 1}
    assert all(ip_address(address.ip.removeprefix("::ffff:")).is_loopback for address in listening)


@pytest.fixture
def no_program(tmp_path: Path) -> Path:
    """Return a file that is executable, but no program."""
    file = tmp_path / "no program"
    file.write_bytes(b"\0")
    file.chmod(0o755)
    return file


def test_a_java_that_is_no_program_is_named(no_program: Path, tmp_path: Path, free_port: FreePort) -> None:
    with pytest.raises(FoldstreamError, match=f"{no_program} is not a Java of version 17 or later: correct FOLDSTREAM_JAVA"):
        EmbeddedKafka(tmp_path, free_port(), no_program).start()


@pytest.mark.parametrize("java", [Path(sys.executable), Path("absent")], ids=["another program", "nothing"])
def test_a_java_that_is_none_is_named(java: Path, tmp_path: Path, free_port: FreePort) -> None:
    with pytest.raises(FoldstreamError, match=f"{java} is not a Java of version 17 or later: correct FOLDSTREAM_JAVA"):
        EmbeddedKafka(tmp_path, free_port(), java).start()


def test_a_data_directory_that_kafka_would_take_for_two_is_refused(tmp_path: Path, free_port: FreePort) -> None:
    with pytest.raises(FoldstreamError, match="because of the comma"):
        EmbeddedKafka(tmp_path / "here,there", free_port()).start()


async def _write(kafka: EmbeddedKafka, topic: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, value)


async def _read(kafka: EmbeddedKafka, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    value: bytes | None = record.value
    return value
