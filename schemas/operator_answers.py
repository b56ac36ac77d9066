"""Bodies of HTTP responses for operators: parked records, and tables as they are on disk (contract, section 4)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.answers import Answer
from schemas.fields import Id


class ParkedRecord(Answer):
    """Parked record: it could not be processed. Key and value are text, cut off after 1,000 characters."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    key: str | None
    reason: Literal["undecodable", "unknown-type", "invalid", "misrouted", "failed", "behind-parked", "out-of-order"]
    error: str
    agent: str
    head: bool
    """True if the record is the first of its queue: only a head may be retried or discarded."""
    timestamp: str
    parked_at: str
    value: str | None


class ParkedPage(Answer):
    """Page of parked records, ordered by partition, topic and offset. `next` is where the next page begins, or null."""

    items: list[ParkedRecord]
    next: str | None


class SettledAnswer(Answer):
    """Outcome of a parked record: released or discarded."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    outcome: Literal["released", "discarded"]


class LastBuild(Answer):
    """Build that became live last.

    `same` is true if its rows equal the previous ones byte by byte, and null if other code had projected those.

    `parked` is the number of events that were parked when the rows became live, and are therefore missing from them.
    """

    rebuild_id: Id | None
    generation: Annotated[int, Field(ge=1)]
    same: bool | None
    parked: Annotated[int, Field(ge=0)]


class TableAnswer(Answer):
    """State of one table in one partition: its live and previous generation, and a build's progress (`done` of `total` events)."""

    table: str
    partition: Annotated[int, Field(ge=0)]
    shown: bool
    """False while the rows on disk come from other code. The worker then answers reads with 503."""
    generation: int | None
    kept: int | None
    status: Literal["idle", "building", "paused", "faulty"]
    rebuild_id: Id | None
    """Id of the build; null when the build began by itself, or there is none."""
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    fault: str | None
    last: LastBuild | None


class TableRow(Answer):
    """Row as it is on disk. `table` is the read model's table that contains it."""

    table: str
    key: str
    row: Any


class TableRowsPage(Answer):
    """Page of rows, ordered by table and key. `next` is the `after` of the next page, or null.

    `positions` are the offsets up to which the rows reflect each topic.
    """

    positions: dict[str, int]
    items: list[TableRow]
    next: str | None
