"""What the auditor found: each finding by kind and place; a few of each kind are told, the rest are counted. docs/verify.md says what each kind means."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError

TOLD = 20
"""Findings of one kind that are told; more would say nothing new, and a log can have as many as records."""

LENGTH = 1_000
"""Characters of one finding."""


NUL = "\0"
"""Between a table and a row's key, in the keys of the changelog."""


class FindingKind(StrEnum):
    """The kinds of findings, as they begin a line."""

    VERSION_GAP = "version-gap"
    VERSION_REPEAT = "version-repeat"
    EVENT_ID_TWICE = "event-id-twice"
    WRONG_EVENT_ID = "wrong-event-id"
    FORGED = "forged"
    NOT_CONSERVED = "not-conserved"
    NOT_SETTLED = "not-settled"
    WRONG_END = "wrong-end"
    WRONG_ROW = "wrong-row"
    WRONG_VIEW = "wrong-view"
    NO_RESULT = "no-result"
    TWO_RESULTS = "two-results"
    NO_FIRST_RESULT = "no-first-result"
    WRONG_RESULT = "wrong-result"
    ANSWERED_AND_PARKED = "answered-and-parked"
    PARKED_ORDER = "parked-order"
    WRONG_PARTITION = "wrong-partition"
    WRONG_KEY = "wrong-key"
    UNREADABLE = "unreadable"
    SKIPPED = "skipped"
    UNJUDGED = "unjudged"


Fault = tuple[FindingKind, str]
"""What is wrong with a record, whose place is known."""


class RecordRef(NamedTuple):
    """Where something is: `offset` is None for what is not there."""

    topic: str
    partition: int
    offset: int | None
    key: bytes | None

    def __str__(self) -> str:
        offset = "" if self.offset is None else f" {self.offset}"
        key = "" if self.key is None else f" key {self.key.decode(errors='backslashreplace').replace(NUL, ' ')}"
        return f"{self.topic} [{self.partition}]{offset}{key}"


def place(record: ConsumerRecord) -> RecordRef:
    """Where a record is."""
    return RecordRef(record.topic, record.partition, record.offset, record.key)


class Findings:
    """Collects them, in bounded memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._counts: Counter[FindingKind] = Counter()

    def add(self, kind: FindingKind, where: RecordRef, what: str) -> None:
        """One thing that is wrong."""
        self._counts[kind] += 1
        if self._counts[kind] <= TOLD:
            self._lines.append(f"{kind}: {where}: {what}"[:LENGTH])

    def counted(self, kind: FindingKind) -> int:
        """How many there are of a kind."""
        return self._counts[kind]

    @contextmanager
    def judging(self, where: RecordRef) -> Iterator[None]:
        """Whatever the audit itself fails at is told as one line, and the rest is judged all the same."""
        try:
            yield
        except (KafkaError, FoldstreamError):
            raise
        except Exception as error:  # noqa: BLE001 (a defect here must not hide what else is wrong)
            self.add(FindingKind.UNJUDGED, where, f"the audit failed at it, which is a defect of the audit: {error!r}")

    def lines(self) -> list[str]:
        """In the order in which they were found, at last how many were not told; empty when nothing is wrong."""
        return self._lines + [f"{kind}: {count - TOLD:,} more" for kind, count in self._counts.items() if count > TOLD]
