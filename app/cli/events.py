"""`foldstream events`: shows the history of an aggregate, straight from the log."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from app.cli.ids import require_id
from app.cli.output import note, say, say_json
from app.client.log_reader import LogReader
from app.client.results import Json
from app.domain.registry import EVENT_SOURCED
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.eventsourcing.recorded_event import today
from app.settings import Settings, settings
from app.terminal import escaped_json
from app.topics.contract import event_topic
from schemas.upcasters import NewerSchema

LOGS = tuple(decider.aggregate_type for decider in EVENT_SOURCED)
"""Aggregate types that have an event log, and the saga."""

AggregateType = StrEnum("AggregateType", dict(zip(LOGS, LOGS, strict=True)))  # type: ignore[misc]  # mypy wants to read the names


def events(
    aggregate_id: Annotated[str, typer.Argument(metavar="AGGREGATE_ID", help="Whose history: the aggregateId of its commands.")],
    aggregate_type: Annotated[AggregateType | None, typer.Option("--type", case_sensitive=False, help="Read only the log of this type.")] = None,
    from_version: Annotated[int, typer.Option(min=1, help="Leave out what came before this version.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show the history of an aggregate, read from the log up to its current end, in the current schema. Exit code 1 if there is none."""
    require_id("AGGREGATE_ID", aggregate_id)
    types = [aggregate_type] if aggregate_type else list(AggregateType)
    last = asyncio.run(_print(located(settings()), aggregate_id, types, from_version, as_json=as_json))
    if not last:
        raise FoldstreamError(f"no event of {aggregate_id!r} in the log of {', '.join(types)}")
    if last < from_version:
        note(f"{aggregate_id!r} is at version {last}: nothing from version {from_version} on")


async def _print(chosen: Settings, aggregate_id: str, types: list[AggregateType], from_version: int, *, as_json: bool) -> int:
    """Print the requested events. Return the last version of the aggregate, printed or not, or 0 if it does not exist."""
    last = 0
    async with LogReader(chosen) as log:
        async for event in _history(log, chosen, aggregate_id, types):
            last = max(last, event["version"])
            if event["version"] >= from_version:
                say_json(event) if as_json else say(_line(event))
    return last


async def _history(log: LogReader, chosen: Settings, aggregate_id: str, types: list[AggregateType]) -> AsyncIterator[Json]:
    for each in types:
        async for record in log.key(event_topic(chosen, each), aggregate_id.encode()):
            yield _today(record.value)


def _today(value: bytes) -> Json:
    """Return the event in the current schema. Raise FoldstreamError if its schema is newer than this code."""
    try:
        event: Json = msgspec.json.decode(today(value))
    except NewerSchema as error:
        raise FoldstreamError(str(error)) from error
    return event


def _line(event: Json) -> str:
    payload = escaped_json(msgspec.json.encode(event["payload"]).decode())
    return f"{event['aggregateType']:8} {event['version']:>6}  {event['timestamp']}  {event['eventType']:22} {payload}"
