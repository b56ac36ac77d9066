"""Pages of parked records, as HTTP shows them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Annotated, Any, NamedTuple

import msgspec

from app.streams.parking import rows as parking
from app.streams.parking.record import Parked
from app.streams.state.store import Store
from app.web.http.problems import Problem
from schemas.timestamp import rfc3339

PAGE_BYTES = 8 << 20
"""Values that one page looks at; a page of large records is shorter than its limit."""

SHOWN = 1_000
"""Characters of a record's key and value that are shown."""


Count = Annotated[int, msgspec.Meta(ge=0)]


class Place(NamedTuple):
    """From where a page goes on: this place, or what comes behind it."""

    partition: Count = 0
    topic: str = ""
    offset: Count = 0
    agent: str = ""
    """Several agents may have parked what came from one place."""
    generation: Count = 0
    """How many topics had its name before."""

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> "Place":
        """The place in a cursor; a Problem when it is none of ours."""
        try:
            return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=cls)
        except ValueError as error:
            raise Problem(422, "invalid", "after: is none that `next` gave") from error


Page = tuple[list[dict[str, Any]], str | None]
"""Records, and the cursor of what comes behind them."""


def page(stores: Iterable[Store], partition: int, start: Place, limit: int) -> Page:
    """The open records of a partition from a place on, at most `limit`; whole values are not shown."""
    items: list[dict[str, Any]] = []
    size = 0
    for store, row in _merged(stores, start):
        if len(items) == limit or size > PAGE_BYTES:
            return items, str(Place(partition, row.topic, row.offset, row.agent, row.generation))
        items.append(_item(row, head=parking.is_head(store, row)))
        size += len(row.value or b"")
    return items, None


def _merged(stores: Iterable[Store], start: Place) -> Iterator[tuple[Store, Parked]]:
    """What the task and the view of a partition keep, in one order."""
    return merge(*(_listed(store, start) for store in stores), key=lambda each: (each[1].topic, each[1].generation, each[1].offset, each[1].agent))


def _listed(store: Store, start: Place) -> Iterator[tuple[Store, Parked]]:
    return ((store, row) for row in parking.listed(store, start.topic, start.offset, start.agent, start.generation))


def _item(row: Parked, *, head: bool) -> dict[str, Any]:
    where = {"topic": row.topic, "partition": row.partition, "offset": row.offset, "key": _text(row.key)}
    why = {"reason": row.reason, "error": row.error, "agent": row.agent, "head": head}
    return {**where, **why, "timestamp": rfc3339(row.timestamp_ms), "parkedAt": row.at, "value": _text(row.value)}


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw[: 4 * SHOWN].decode(errors="replace")[:SHOWN]
