"""The console script in a bare environment: streams that are closed or full, any locale, any width, a user without a name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import saga
from app.embedded_kafka.jars import Jars
from app.errors import FoldstreamError
from tests.support.foldstream import ROOT

SCRIPT = f"{sys.executable} -m app"


def shell(line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line in a shell, in an environment without locale, name or home."""
    return subprocess.run(["/bin/sh", "-c", line], env={"PATH": os.defpath, **environment}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


PRINTING = ["settings", "settings --json", "kafka status", "--help", "send --help"]


@pytest.mark.parametrize("command", PRINTING)
def test_output_that_cannot_be_written_is_told_in_one_line(command: str, tmp_path: Path) -> None:
    for where in (">/dev/full", ">&-"):
        done = shell(f"{SCRIPT} {command} {where}", FOLDSTREAM_DATADIR=str(tmp_path))

        assert done.returncode == 1
        assert re.fullmatch(r"foldstream: .*(No space left on device|Bad file descriptor).*\n", done.stderr)


@pytest.mark.parametrize("command", ["send -", "replay -"])
def test_input_that_cannot_be_read_is_told_in_one_line(command: str) -> None:
    done = shell(f"{SCRIPT} {command} <&-")

    assert done.returncode == 1
    assert done.stderr == "foldstream: cannot read the file: Bad file descriptor\n"


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", "<&- 2>&-", "<&- 2>/dev/full"])
def test_a_command_does_its_work_where_nothing_can_be_said_beside_it(streams: str) -> None:
    done = shell(f"{SCRIPT} settings --json {streams}")

    assert done.returncode == 0
    assert done.stdout.startswith('{"FOLDSTREAM_BROKER":')


def test_the_numbers_of_closed_streams_go_to_no_other_file(tmp_path: Path) -> None:
    program = "from app.cli.streams import open_closed; open_closed(); assert open('other', 'w').fileno() > 2"

    done = shell(f'cd {tmp_path} && PYTHONPATH={ROOT} {sys.executable} -c "{program}" <&- >&- && echo as it must be >&2')

    assert done.stderr == "as it must be\n"


@pytest.mark.control
def test_without_care_another_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    program = "assert open('other', 'w').fileno() > 2"

    done = shell(f'cd {tmp_path} && {sys.executable} -c "{program}" <&- >&-')

    assert "AssertionError" in done.stderr


def test_a_reader_that_goes_away_is_no_failure_to_tell_of() -> None:
    assert shell(f"{SCRIPT} settings | head -n 1").stderr == ""


LOCALES: list[dict[str, str]] = [
    {},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX"},
    {"LANG": "tr_TR.ISO-8859-9"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "latin-1:strict"},
]
"""Locales and encodings. A locale that is not installed is treated as C; an installed one means an encoding to Python."""


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_will_do(locale: dict[str, str]) -> None:
    done = shell(f"{SCRIPT} settings && {SCRIPT} send --help", FOLDSTREAM_DATADIR="서울│", **locale)

    assert done.returncode == 0
    assert done.stderr == ""
    assert "FOLDSTREAM_DATADIR" in done.stdout


def test_a_path_that_is_no_text_is_shown_all_the_same() -> None:
    done = shell(f"export FOLDSTREAM_DATADIR=\"$(printf 'a\\377')\"; {SCRIPT} settings --json && {SCRIPT} settings && {SCRIPT} kafka status")

    assert done.stderr == ""
    assert done.stdout.count("a\\udcff") == 2


def test_a_folder_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()

    done = shell(f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && PYTHONPATH={ROOT} {SCRIPT} kafka status")

    assert done.returncode == 1
    assert done.stderr == "foldstream: the current folder is gone: change to one that is there\n"


@pytest.mark.parametrize("columns", ["1", "1000"])
def test_every_width_will_do(columns: str) -> None:
    done = shell(f"{SCRIPT} replay --help && {SCRIPT} settings", COLUMNS=columns)

    assert done.returncode == 0
    assert "an order that is not fulfilled after this long is undone (seconds)" in done.stdout


def test_a_user_without_a_name_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(saga, "getuser", nameless)

    with pytest.raises(FoldstreamError, match="--user NAME"):
        saga.act("o-1", saga.Action.RetryStep, "why")  # type: ignore[attr-defined]  # named after the commands


def test_a_user_without_a_home_is_told_where_kafka_could_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    with pytest.raises(FoldstreamError, match="XDG_CACHE_HOME"):
        Jars().classpath(lambda _: None)


@pytest.mark.parametrize("command", ["saga act o-1 RetryStep --user ada --reason", "parked discard commands.order 0 0 --reason", "rebuild"])
def test_an_argument_that_is_no_text_is_wrong_usage(command: str) -> None:
    done = shell(f"{SCRIPT} {command} \"$(printf 'a\\377')\"")

    assert done.returncode == 2
    assert "this is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr
