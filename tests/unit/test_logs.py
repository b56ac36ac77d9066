"""Logs: one line for each record, whatever it contains; JSON on demand."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from app.log_config import JsonLines, Text

FORGED = "a key\n2026-01-01 00:00:00,000 INFO     task 0 is open\r\x1b[2K\x9b\u2028\x00"


def record(message: str, *args: object, error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    """Return a record as a logger would make it."""
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.getLogger("app.some").makeRecord("app.some", logging.WARNING, "some.py", 1, message, args, info, extra=fields)


def raised() -> ValueError:
    """Return an error with a traceback, whose text tries to forge a log line."""
    try:
        int(FORGED)
    except ValueError as error:
        error.args = (FORGED,)
        return error
    raise AssertionError


def test_what_comes_from_outside_breaks_no_line_of_a_terminal_and_moves_no_cursor() -> None:
    line = Text().format(record("parked %s", FORGED))

    assert line.isprintable()
    assert line.endswith(r"WARNING  parked a key\n2026-01-01 00:00:00,000 INFO     task 0 is open\r\x1b[2K\x9b\u2028\x00")


def test_a_terminal_is_told_the_correlation_too() -> None:
    assert Text().format(record("parked", correlationId="a\nb")).endswith(r"WARNING  parked (correlation id a\nb)")


def test_a_traceback_follows_its_line_and_looks_like_no_other() -> None:
    first, *others = Text().format(record("it failed", error=raised())).split("\n")

    assert first.endswith("WARNING  it failed")
    assert any("ValueError: a key" in line for line in others)
    assert all(line.startswith("    | ") and line.isprintable() for line in others)


def test_a_json_line_has_the_fields_that_are_known_and_the_exception() -> None:
    text = JsonLines().format(record("parked %s", FORGED, error=raised(), topic="commands.order", offset=7, correlationId=None))

    assert text.isprintable()
    line: dict[str, Any] = json.loads(text)
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "app.some", f"parked {FORGED}")
    assert (line["topic"], line["offset"], "correlationId" in line) == ("commands.order", 7, False)
    assert line["timestamp"].endswith("Z")
    assert "ValueError: a key" in line["exception"]
    assert set(line) == {"timestamp", "level", "logger", "message", "topic", "offset", "exception"}


@pytest.mark.parametrize(("name", "expected"), [("task 3", 3), ("view 2 catches up", 2), ("another", None)])
async def test_the_task_at_work_is_named_by_itself(name: str, expected: int | None) -> None:
    async def said(formatter: Callable[[logging.LogRecord], str]) -> Any:  # noqa: ANN401 (JSON)
        return json.loads(formatter(record("it opens")))

    line = await asyncio.create_task(said(JsonLines().format), name=name)

    assert line.get("task") == expected
