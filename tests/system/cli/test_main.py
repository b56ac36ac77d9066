"""The console script itself: help, exit codes and the form of failures."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from tests.conftest import FreePort
from tests.support.foldstream import ROOT, foldstream

COMMANDS = ["demo", "events", "kafka", "rebuild", "replay", "send", "settings", "topics", "verify", "worker"]

MORE_THAN_A_PIPE_HOLDS = 1 << 20


def test_help_names_every_command() -> None:
    done = CliRunner().invoke(app, ["--help"])

    assert done.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])

    assert done.exit_code == 0
    assert "Usage: " in done.stdout


def test_wrong_usage_ends_with_2() -> None:
    done = foldstream("events")

    assert done.returncode == 2
    assert "Usage: " in done.stderr


@pytest.mark.parametrize("command", [("topics", "check"), ("topics", "apply"), ("events", "order-1"), ("rebuild", "history"), ("verify",)])
def test_without_a_broker_a_command_says_what_to_start(command: tuple[str, ...], tmp_path: Path, free_port: FreePort) -> None:
    done = foldstream(*command, datadir=tmp_path, kafka_port=free_port())

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "foldstream kafka start" in done.stderr


def test_a_broker_of_ones_own_is_named_when_it_does_not_answer(free_port: FreePort) -> None:
    broker = f"127.0.0.1:{free_port()}"

    done = foldstream("topics", "check", broker=broker)

    assert done.returncode == 1
    assert f"no Kafka answers at {broker} (FOLDSTREAM_BROKER)" in done.stderr


@pytest.mark.parametrize("command", [("kafka", "start"), ("kafka", "stop"), ("worker",), ("demo", "--exit")])
def test_a_data_directory_that_cannot_be_made_is_told_in_one_line(command: tuple[str, ...], tmp_path: Path, free_port: FreePort) -> None:
    file = tmp_path / "file"
    file.touch()

    done = foldstream(*command, datadir=file, kafka_port=free_port())

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "set FOLDSTREAM_DATADIR" in done.stderr


@pytest.mark.parametrize("name", ["\udcff", "order 1", "", "x" * 129])
def test_what_is_no_id_is_told_what_an_id_is(name: str) -> None:
    done = foldstream("events", name)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "an id is 1 to 128 of the characters" in done.stderr


@pytest.mark.parametrize("module", ["typer", "pydantic", "aiokafka"])
def test_an_interrupt_while_python_still_imports_ends_with_130_without_a_trace(module: str) -> None:
    telling = [sys.executable, "-X", "importtime", "-m", "app", "send", "-"]

    with subprocess.Popen(telling, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        next(line for line in process.stderr if line.split("|")[-1].split(".")[0].strip() == module)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in errors


def test_an_interrupt_ends_with_130_without_a_trace() -> None:
    reading = [sys.executable, "-m", "app", "send", "-"]

    with subprocess.Popen(reading, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin
        process.stdin.write("\n" * MORE_THAN_A_PIPE_HOLDS)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in errors
