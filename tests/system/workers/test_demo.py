"""The two commands that show Foldstream at work, run as a user would: `demo` and `replay`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import FreePort, RunningKafka

Environment = dict[str, str]

PURCHASES = """\
 00004 0001 19970101  2   29.33
 00004 0001 19970118  7   29.73
 00018 0002 19970104  1    0.00
"""


@pytest.fixture
def own_broker(tmp_path: Path, free_port: FreePort) -> Environment:
    """Return settings without any data or running broker."""
    return _environment(FOLDSTREAM_DATADIR=str(tmp_path), FOLDSTREAM_KAFKA_PORT=str(free_port()), FOLDSTREAM_WEB_PORT="0")


@pytest.fixture
def with_worker(kafka: RunningKafka, tmp_path: Path) -> Iterator[Environment]:
    """Yield an environment with topics of its own on the broker of this run, and a worker."""
    with _working(kafka, tmp_path, *_command("worker")) as environment:
        yield environment


@pytest.fixture
def without_sagas(kafka: RunningKafka, tmp_path: Path) -> Iterator[Environment]:
    """Yield an environment with topics of its own, and a worker without sagas. An order counts as stuck after a short time."""
    with _working(kafka, tmp_path, sys.executable, "-m", "bench.alone") as environment:
        yield environment | {"FOLDSTREAM_SAGA_STEP_TIMEOUT_S": "1"}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_demo_ends_with_0_when_every_check_held_and_can_be_run_again_on_its_data(own_broker: Environment) -> None:
    first = _foldstream(own_broker, "demo", "--orders", "60", "--exit")
    second = _foldstream(own_broker, "demo", "--orders", "60", "--exit")

    assert "every check held" in first.stdout
    assert "schema version 1 was folded" in first.stdout
    assert "every check held" in second.stdout
    assert "the log is not new" in second.stdout


@pytest.mark.timeout(300)
def test_a_replay_prints_the_totals_of_the_file_and_prints_them_again_when_repeated(with_worker: Environment, tmp_path: Path) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text(PURCHASES, encoding="ascii")

    first = _foldstream(with_worker, "replay", str(file)).stdout
    second = _foldstream(with_worker, "replay", str(file), "--speed", "1000").stdout

    assert [line.split() for line in first.splitlines() if line.startswith(" log")] == [["log", "3", "2", "10", "59.06"]]
    assert "3 sagas ended: 3 completed, 0 failed" in first
    assert "all orders are new" in first
    assert second == first.replace("all orders are new", "3 of the orders were placed before")


@pytest.mark.control
@pytest.mark.timeout(300)
def test_a_replay_fails_when_sagas_do_not_end(without_sagas: Environment, tmp_path: Path) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text(PURCHASES, encoding="ascii")

    done = subprocess.run(_command("replay", str(file)), env=without_sagas, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "0 sagas ended" in done.stdout
    assert "3 sagas have not ended" in done.stderr


@contextmanager
def _working(kafka: RunningKafka, directory: Path, *worker: str) -> Iterator[Environment]:
    environment = _environment(
        FOLDSTREAM_BROKER=kafka.bootstrap,
        FOLDSTREAM_REPLICATION="1",
        FOLDSTREAM_DATADIR=str(directory),
        FOLDSTREAM_TOPIC_PREFIX=f"{directory.name}.",
        FOLDSTREAM_APP_ID=directory.name,
        FOLDSTREAM_WEB_PORT="0",
    )
    _foldstream(environment, "topics", "apply")
    with (directory / "worker.log").open("wb") as log, subprocess.Popen(worker, env=environment, stdout=log, stderr=log) as process:
        yield environment
        process.terminate()


def _environment(**variables: str) -> Environment:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOLDSTREAM_")}
    return inherited | variables | {"COLUMNS": "160"}


def _foldstream(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(_command(*arguments), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app", *arguments]
