"""Findings of verify, by kind and record location.

The report shows the first findings of each kind and counts the rest. docs/operations/verifying.md says what each kind means.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError

TOLD = 20
"""Most findings of one kind in the report. More would say nothing new, and a log can have as many findings as records."""

LENGTH = 1_000
"""Most characters of one finding."""


NUL = "\0"
"""Separator between a table and a row's key, in the keys of the changelog."""


class FindingKind(StrEnum):
    """Kinds of findings, as they begin a line of the report."""

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
"""Kind and text of a fault of a record whose location is known."""


class RecordRef(NamedTuple):
    """Location of a record. `offset` is None if the record is missing."""

    topic: str
    partition: int
    offset: int | None
    key: bytes | None

    def __str__(self) -> str:
        offset = "" if self.offset is None else f" {self.offset}"
        key = "" if self.key is None else f" key {self.key.decode(errors='backslashreplace').replace(NUL, ' ')}"
        return f"{self.topic} [{self.partition}]{offset}{key}"


def place(record: ConsumerRecord) -> RecordRef:
    """Return the location of a record."""
    return RecordRef(record.topic, record.partition, record.offset, record.key)


class Findings:
    """Collection of findings in bounded memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._counts: Counter[FindingKind] = Counter()

    def add(self, kind: FindingKind, where: RecordRef, what: str) -> None:
        """Add a finding."""
        self._counts[kind] += 1
        if self._counts[kind] <= TOLD:
            self._lines.append(f"{kind}: {where}: {what}"[:LENGTH])

    def counted(self, kind: FindingKind) -> int:
        """Return the number of findings of a kind."""
        return self._counts[kind]

    @contextmanager
    def judging(self, where: RecordRef) -> Iterator[None]:
        """Report an unexpected error of verify itself as one finding, so that the rest is still checked."""
        try:
            yield
        except (KafkaError, FoldstreamError):
            raise
        except Exception as error:  # noqa: BLE001 (a defect here must not hide what else is wrong)
            self.add(FindingKind.UNJUDGED, where, f"the audit failed at it, which is a defect of the audit: {error!r}")

    def lines(self) -> list[str]:
        """Return the lines of the report in the order of discovery, then how many were left out. Empty if nothing is wrong."""
        return self._lines + [f"{kind}: {count - TOLD:,} more" for kind, count in self._counts.items() if count > TOLD]
