"""What a worker logs: one line for each thing an operator cares about, for a terminal or as JSON (FOLDSTREAM_LOG_FORMAT).

Structured fields are given with `extra`: topic, partition, offset, reason, correlationId ...; the task is known by itself.
Whatever comes from outside, a key or an error, ends no line and moves no cursor.
"""

import asyncio
import json
import logging
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from app.terminal import escaped

Format = Literal["text", "json"]

QUIET = {"aiokafka": logging.CRITICAL, "faust": logging.WARNING, "faust.application": logging.ERROR, "mode": logging.WARNING, "uvicorn": logging.ERROR}
"""What is shown of libraries unless FOLDSTREAM_LOG_LEVEL is DEBUG.

aiokafka says every failed connection, the tasks say what came of it; Faust's application misses a sensor at every rebalance; to uvicorn any client's nonsense
is a warning.
"""

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; all else was given with `extra`."""

_TASK = re.compile(r"(?:task|view) (\d+)\b.*")


class Text(logging.Formatter):
    """For a terminal; a traceback follows its line, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """A line, and those of its traceback."""
        correlation = getattr(record, "correlationId", None)
        about = f" (correlation id {correlation})" if correlation else ""
        first = f"{self.formatTime(record)} {record.levelname:<8} {escaped(record.getMessage() + about)}"
        return "\n".join([first, *(f"    | {escaped(line)}" for line in _traceback(self, record).splitlines())])


class JsonLines(logging.Formatter):
    """For a collector: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The object: timestamp, level, logger, message, the fields that are known, and the exception with its traceback."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"timestamp": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage(), **_task(), **_fields(record)}
        traceback = _traceback(self, record)
        return json.dumps(line | ({"exception": traceback} if traceback else {}), default=str)


def configure(level: str, form: Format) -> None:
    """Log to stderr from here on, in this format, what is at least of this level."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else Text())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # noqa: FBT003 (logging's own signature)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(level if level == "DEBUG" else least)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN and value is not None}


def _task() -> dict[str, int]:
    """The partition number of the task that is at work, if it is one of the runtime's: they are named by it."""
    with suppress(RuntimeError):  # a thread without an event loop
        current = asyncio.current_task()
        if current is not None and (found := _TASK.fullmatch(current.get_name())):
            return {"task": int(found[1])}
    return {}


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
