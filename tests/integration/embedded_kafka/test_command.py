"""`foldstream kafka`: output and exit codes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.kafka import app
from app.errors import FoldstreamError
from app.settings import settings
from tests.conftest import FreePort, RunningKafka


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Reload the settings before the test and after it."""
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


@pytest.fixture
def running(environment: pytest.MonkeyPatch, kafka: RunningKafka) -> RunningKafka:
    """Return the broker of this run, configured for the commands."""
    environment.setenv("FOLDSTREAM_DATADIR", str(kafka.embedded.home.root.parent))
    environment.setenv("FOLDSTREAM_KAFKA_PORT", str(kafka.embedded.port))
    return kafka


@pytest.fixture
def nothing_running(environment: pytest.MonkeyPatch, tmp_path: Path, free_port: FreePort) -> None:
    """Configure a data directory in which no broker was ever started."""
    environment.setenv("FOLDSTREAM_DATADIR", str(tmp_path))
    environment.setenv("FOLDSTREAM_KAFKA_PORT", str(free_port()))


def test_start_says_that_the_broker_runs_already(running: RunningKafka) -> None:
    result = CliRunner().invoke(app, ["start"])

    assert (result.exit_code, result.stdout) == (0, f"Kafka was running already at {running.bootstrap}\n")


def test_start_refuses_when_a_broker_is_configured(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOLDSTREAM_BROKER", "kafka.example:9092")

    result = CliRunner().invoke(app, ["start"])

    assert isinstance(result.exception, FoldstreamError)
    assert "FOLDSTREAM_BROKER names a broker" in str(result.exception)


def test_status_of_a_running_broker_shows_it_and_exits_0(running: RunningKafka) -> None:
    result = CliRunner().invoke(app, ["status"])

    assert result.exit_code == 0
    assert f"port {running.embedded.port}" in result.stdout
    assert str(running.embedded.home.root) in result.stdout


@pytest.mark.usefixtures("nothing_running")
def test_status_without_a_broker_exits_1() -> None:
    result = CliRunner().invoke(app, ["status"])

    assert result.exit_code == 1
    assert "does not run" in result.stdout


@pytest.mark.usefixtures("nothing_running")
def test_stop_without_a_broker_is_no_failure() -> None:
    result = CliRunner().invoke(app, ["stop"])

    assert result.exit_code == 0


@pytest.mark.usefixtures("running")
def test_logs_shows_as_many_of_the_last_lines_as_asked_for() -> None:
    result = CliRunner().invoke(app, ["logs", "-n", "3"])

    assert len(result.stdout.splitlines()) == 3


@pytest.mark.usefixtures("nothing_running")
def test_logs_before_the_first_start_says_what_to_do() -> None:
    result = CliRunner().invoke(app, ["logs"])

    assert isinstance(result.exception, FoldstreamError)
    assert "foldstream kafka start" in str(result.exception)
