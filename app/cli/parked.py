"""`foldstream parked`: list, retry and discard records that could not be processed."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

import typer

from app.cli.ids import text
from app.cli.output import note, say, say_json
from app.client.parked_records import open_records
from app.client.workers import ask
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import settings
from app.streams.parking.record import ParkedRecord
from schemas.timestamp import rfc3339

app = typer.Typer(no_args_is_help=True, help="Records that could not be processed: list, retry, discard.")

Topic = Annotated[str, typer.Argument(callback=text, help="The topic it was read from, its name on the broker.")]
Number = Annotated[int, typer.Argument(min=0)]


@app.command("list")
def list_(
    reason: Annotated[str | None, typer.Option(help="Only those that are parked for this reason.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those that were read from this topic.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each record as one line of JSON.")] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show the records that are neither released nor discarded, read from the topic `parked`. No worker needs to run."""
    count = asyncio.run(_print(reason, topic, as_json=as_json))
    if not as_json:
        note(f"{count} parked" if count else "nothing is parked")


@app.command()
def retry(topic: Topic, partition: Number, offset: Number) -> None:
    """Process a record again, at the worker that owns its partition. The records blocked behind it follow. Exit code 1 if it failed again."""
    _settle(topic, partition, offset, "retry", None)


@app.command()
def discard(topic: Topic, partition: Number, offset: Number, reason: Annotated[str, typer.Option(help="Why, for whoever asks later.", callback=text)]) -> None:
    """Discard a record. The records blocked behind it follow."""
    _settle(topic, partition, offset, "discard", {"reason": reason})


async def _print(reason: str | None, topic: str | None, *, as_json: bool) -> int:
    count = 0
    async for row in open_records(located(settings())):
        if reason in {None, row.reason} and topic in {None, row.topic}:
            count += 1
            say_json(_shown(row)) if as_json else say(_line(row))
    return count


def _shown(row: ParkedRecord) -> dict[str, Any]:
    where = {"topic": row.topic, "partition": row.partition, "offset": row.offset, "key": _text(row.key)}
    return {**where, "reason": row.reason, "error": row.error, "agent": row.agent, "timestamp": rfc3339(row.timestamp_ms), "parkedAt": row.at}


def _line(row: ParkedRecord) -> str:
    return f"{row.topic} {row.partition} {row.offset}  {row.at}  {row.reason:13}  {_text(row.key)!r}  {row.error!r}"


def _text(key: bytes | None) -> str | None:
    return None if key is None else key.decode(errors="replace")


def _settle(topic: str, partition: int, offset: int, action: str, body: object) -> None:
    chosen = located(settings())
    if partition >= chosen.partitions:
        raise FoldstreamError(f"there is no partition {partition}: they are 0 to {chosen.partitions - 1}")
    status, answer = asyncio.run(ask(chosen, partition, f"/parked/{quote(topic, safe='')}/{partition}/{offset}/{action}", body))
    if status != 200:  # noqa: PLR2004 (HTTP)
        raise FoldstreamError(f"{topic} {partition} {offset}: {answer['code']}: {answer['detail']}")
    say(f"{answer['outcome']} {topic} {partition} {offset}")
