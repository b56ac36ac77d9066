"""The bodies of HTTP answers to operators: parked records, and tables as they are on disk (contract, section 4)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.answers import Answer
from schemas.fields import Id


class ParkedRecord(Answer):
    """A record that could not be processed; key and value as text, cut off after 1,000 characters."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    key: str | None
    reason: Literal["undecodable", "unknown-type", "invalid", "misrouted", "failed", "behind-parked", "out-of-order"]
    error: str
    agent: str
    head: bool
    """Only a head may be retried or discarded."""
    timestamp: str
    parked_at: str
    value: str | None


class ParkedPage(Answer):
    """Records by partition, topic and offset; `next` is where to go on, or null."""

    items: list[ParkedRecord]
    next: str | None


class SettledAnswer(Answer):
    """What became of a parked record."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    outcome: Literal["released", "discarded"]


class LastBuild(Answer):
    """The build that was shown last; `same` tells whether its rows are those before, byte by byte, and is null where other code had folded these.

    `parked` is how many events were parked in them when they were shown, and are therefore missing from them.
    """

    rebuild_id: Id | None
    generation: Annotated[int, Field(ge=1)]
    same: bool | None
    parked: Annotated[int, Field(ge=0)]


class TableAnswer(Answer):
    """The rows of one table in one partition: which are shown, which are kept, and how far a build is (`done` of `total` events)."""

    table: str
    partition: Annotated[int, Field(ge=0)]
    shown: bool
    """False while the rows on disk are of other code: reads are answered 503."""
    generation: int | None
    kept: int | None
    status: Literal["idle", "building", "paused", "faulty"]
    rebuild_id: Id | None
    """Of the build; null when it began by itself, or there is none."""
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    fault: str | None
    last: LastBuild | None


class TableRow(Answer):
    """One row as it is on disk; `table` is the one of the read model's in which it stands."""

    table: str
    key: str
    row: Any


class TableRowsPage(Answer):
    """Rows by table and key; `positions` are the offsets up to which each topic is in them, `next` is the `after` of the page that follows, or null."""

    positions: dict[str, int]
    items: list[TableRow]
    next: str | None
