"""Log output of a worker: one line for each thing an operator cares about, for a terminal or as JSON (FOLDSTREAM_LOG_FORMAT).

Pass structured fields with `extra`: topic, partition, offset, reason, correlationId ...; the number of the task is added automatically.
Text from outside, such as a key or an error, cannot end a line or move the cursor.
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
"""Log levels of libraries, unless FOLDSTREAM_LOG_LEVEL is DEBUG.

aiokafka logs every failed connection, while the tasks log the outcome. Faust's application misses a sensor at every rebalance.
uvicorn warns about every malformed request.
"""

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""Attributes of every log record; all others were given with `extra`."""

_TASK = re.compile(r"(?:task|view) (\d+)\b.*")


class Text(logging.Formatter):
    """Formatter for a terminal; a traceback follows its line, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line and the lines of its traceback."""
        correlation = getattr(record, "correlationId", None)
        about = f" (correlation id {correlation})" if correlation else ""
        first = f"{self.formatTime(record)} {record.levelname:<8} {escaped(record.getMessage() + about)}"
        return "\n".join([first, *(f"    | {escaped(line)}" for line in _traceback(self, record).splitlines())])


class JsonLines(logging.Formatter):
    """Formatter for a log collector: one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object: timestamp, level, logger, message, the known fields, and the exception with its traceback."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"timestamp": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage(), **_task(), **_fields(record)}
        traceback = _traceback(self, record)
        return json.dumps(line | ({"exception": traceback} if traceback else {}), default=str)


def configure(level: str, form: Format) -> None:
    """Log to stderr in this format, from this level up."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else Text())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # noqa: FBT003 (logging's own signature)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(level if level == "DEBUG" else least)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN and value is not None}


def _task() -> dict[str, int]:
    """Return the partition number of the current task if it belongs to the runtime, whose tasks are named by it."""
    with suppress(RuntimeError):  # a thread without an event loop
        current = asyncio.current_task()
        if current is not None and (found := _TASK.fullmatch(current.get_name())):
            return {"task": int(found[1])}
    return {}


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
