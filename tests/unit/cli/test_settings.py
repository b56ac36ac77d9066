"""Settings: all are shown and documented, secrets are hidden, and an invalid one is named."""

import json
import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from app.errors import FoldstreamError
from app.settings import Settings, settings, variable
from tests.support.foldstream import ROOT, foldstream

VARIABLES = [variable(name) for name in Settings.model_fields]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Reload the settings before the test and after it."""
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_every_setting_is_shown_with_its_value() -> None:
    shown = json.loads(foldstream("settings", "--json", partitions=7).stdout)

    assert list(shown) == VARIABLES
    assert shown["FOLDSTREAM_PARTITIONS"] == 7


def test_the_table_tells_what_every_setting_means() -> None:
    printed = " ".join(foldstream("settings").stdout.split())

    for name, field in Settings.model_fields.items():
        assert variable(name) in printed
        assert str(field.description) in printed


def test_the_documented_table_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / "operations" / "settings.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `(FOLDSTREAM_\w+)` \| (.*?) \| (.*) \|$", page, re.MULTILINE)

    expected = [(variable(name), _default(field.default), field.description) for name, field in Settings.model_fields.items()]
    assert rows == expected


def test_an_empty_variable_counts_as_unset() -> None:
    empty = dict.fromkeys(Settings.model_fields, "")

    assert foldstream("settings", "--json", **empty).stdout == foldstream("settings", "--json").stdout


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@worker:6066", "http://***@worker:6066"),
        ("http://me:sec/r@t@worker:6066", "http://***@worker:6066"),
        ("me:secret@worker:6066", "***@worker:6066"),
        ("http://worker:6066/?token=secret", "http://worker:6066/?***"),
        ("http://worker:6066/#secret", "http://worker:6066/?***"),
    ],
)
def test_a_url_with_a_secret_is_refused_and_the_secret_is_not_shown(url: str, shown: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOLDSTREAM_ADVERTISED_URL", url)

    with pytest.raises(FoldstreamError, match="FOLDSTREAM_ADVERTISED_URL is") as refused:
        settings()

    assert shown in str(refused.value)
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("http://worker:6066", "http://worker:6066"),
        (" http://worker:6066/ ", "http://worker:6066"),
        ("HTTPS://Worker.example//", "https://Worker.example"),
        ("http://[::1]:6066", "http://[::1]:6066"),
        ("http://worker/behind/a%20path/", "http://worker/behind/a%20path"),
    ],
)
def test_an_advertised_url_has_no_slash_at_its_end(url: str, meant: str) -> None:
    assert Settings(advertised_url=url).advertised_url == meant


@pytest.mark.parametrize(
    "url",
    [
        "worker:6066",
        "//worker:6066",
        "ftp://worker",
        "http://",
        "http://:6066",
        "http://worker:99999",
        "http://worker:0",
        "http://wor ker",
        "http://worker:6066,http://b",
    ],
)
def test_what_is_no_url_of_a_worker_is_told_what_one_is(url: str) -> None:
    with pytest.raises(ValidationError, match="http://host:port"):
        Settings(advertised_url=url)


@pytest.mark.parametrize("url", ["http://0.0.0.0:6066", "http://[::]:6066"])
def test_an_address_at_which_no_other_worker_is_reached_is_not_advertised(url: str) -> None:
    with pytest.raises(ValidationError, match="other workers can reach"):
        Settings(advertised_url=url)


def test_wrong_settings_are_all_named_without_a_trace() -> None:
    done = foldstream("settings", partitions="many", web_port=70_000)

    assert done.returncode == 1
    assert "FOLDSTREAM_PARTITIONS is 'many'" in done.stderr
    assert "FOLDSTREAM_WEB_PORT is '70000'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("broker", ["kafka", "kafka:9092", "kafka-1.example:9092,kafka_2:9093", "127.0.0.1:65535", "[::1]:9092,[::1]"])
def test_a_bootstrap_list_is_taken_as_it_is(broker: str) -> None:
    assert Settings(broker=broker).bootstrap == broker


def test_blanks_in_a_bootstrap_list_mean_nothing() -> None:
    assert Settings(broker=" kafka:9092, kafka:9093").bootstrap == "kafka:9092,kafka:9093"


@pytest.mark.parametrize(
    "broker", ["foo:bar", "127.0.0.1:99999", "kafka:0", " ", ",", "kafka:9092,", "kafka:", ":9092", "http://kafka:9092", "::1", "kafka 9092"]
)
def test_what_is_no_bootstrap_list_is_told_what_one_is(broker: str) -> None:
    with pytest.raises(ValidationError, match="host:port,host:port"):
        Settings(broker=broker)


@pytest.mark.parametrize("broker", ["me:secret@kafka:9092", "sasl://me:secret@kafka:9092", "me:sec/r@t@kafka:9092", "kafka:9092?password=secret"])
def test_a_secret_in_a_broker_that_is_refused_is_not_shown(broker: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOLDSTREAM_BROKER", broker)

    with pytest.raises(FoldstreamError, match="FOLDSTREAM_BROKER is") as refused:
        settings()

    assert "sec" not in str(refused.value)
    assert "kafka:9092" in str(refused.value)


def _default(value: object) -> str:
    return "" if value in (None, "") else f"`{value}`"
