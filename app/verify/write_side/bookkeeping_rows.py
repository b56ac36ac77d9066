"""Check of rows that do not follow from events: stored outcomes of commands (the dedup window), and parked records.

Each is compared with the topic that has the same content: `results` or `parked`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from app.eventsourcing.decider import Decider
from app.streams.parking.rows import at as place_at
from app.streams.parking.rows import parse_at
from app.verify.findings import NUL
from app.verify.write_side.changelog_rows import ChangelogRows
from app.verify.write_side.parked_topic import ParkedLog, ParkedStates, is_open
from app.verify.write_side.results import First, FirstResults, named


class _Answered(Struct):
    """Stored outcome of a command, as far as results contain the same."""

    version: int
    events: int = 0
    code: str | None = None
    body: str = ""
    """Digest of the command. Empty if the outcome was rebuilt from the log."""


_answers = msgspec.json.Decoder(dict[str, _Answered]).decode


async def judge_answers(decider: Decider, rows: ChangelogRows, firsts: FirstResults, *, complete: bool) -> None:
    """Compare the stored outcomes of one aggregate type with its first results.

    `complete` is true if no result was deleted.
    """
    table = f"{decider.topic}-answer"
    async for key, row in rows.left(table):
        remembered = rows.read_as(key, _answers) or {}
        for fault in _faults(decider.aggregate_type, _name(key), remembered, firsts, complete=complete):
            rows.add(key, fault, row)
    async for beside, last in firsts.last(decider.aggregate_type):
        key = f"{table}{NUL}{beside}".encode()
        rows.require(key)
        if (remembered := rows.read_as(key, _answers)) and _newest(decider.aggregate_type, beside, remembered, firsts) < last:
            rows.add(key, f"has forgotten what was answered at offset {last}")


async def judge_parked(rows: ChangelogRows, parked: ParkedLog, agents: Mapping[str, str]) -> None:
    """Compare the rows of parked records with the topic `parked`. `agents` has the name of each topic's agent."""
    newest: Counter[str] = Counter()
    async for key, row in rows.left("parked"):
        topic, at, agent = [*_name(key).split(NUL), "", ""][:3]
        if agents.get(topic) == agent:
            with suppress(ValueError):
                offset, generation = parse_at(at)
                newest[topic] = max(newest[topic], generation)
                if fault := _closed(parked.all_states(topic, offset)):
                    rows.add(key, fault, row)
    async for topic, offset, (before, after) in parked.all():
        if before == after and is_open(after):
            keys = [f"parked{NUL}{topic}{NUL}{place_at(offset, generation)}{NUL}{agents[topic]}".encode() for generation in range(newest[topic] + 1)]
            if not any(map(rows.has, keys)):
                rows.require(keys[0])


def _closed(states: Sequence[ParkedStates]) -> str | None:
    """Return the fault in a row of a record that is still parked, judging by the states of the records at its location."""
    if any(after is not None and (before != after or is_open(after)) for before, after in states):
        return None
    return f"is {states[-1].after if states else 'not'} in the topic parked"


def _faults(aggregate_type: str, beside: str, remembered: Mapping[str, _Answered], firsts: FirstResults, *, complete: bool) -> Iterator[str]:
    for command_id, answered in remembered.items():
        known = firsts.all_of(_command(aggregate_type, beside, command_id))
        if not known and complete and answered.body:
            yield f"remembers {command_id}, which has no first result"
        if known and not any(_same(answered, first) for first in known):
            yield f"remembers {command_id} otherwise than it was answered, at offset {known[-1].result}"


def _same(answered: _Answered, first: First) -> bool:
    return (answered.version, answered.events, answered.code is None) == (first.version, first.events, first.accepted)


def _newest(aggregate_type: str, beside: str, remembered: Mapping[str, _Answered], firsts: FirstResults) -> int:
    """Return the offset of the last result among the stored outcomes, or -1 if there is none."""
    found = (firsts.last_of(_command(aggregate_type, beside, command_id)) for command_id in remembered)
    return max((first.result for first in found if first is not None), default=-1)


def _command(aggregate_type: str, beside: str, command_id: str) -> bytes:
    aggregate_id, _, order_id = beside.partition("/")
    return named(aggregate_type, aggregate_id, order_id, command_id)


def _name(key: bytes) -> str:
    return key.decode(errors="replace").partition(NUL)[2]
