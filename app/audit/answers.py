"""Whether every command was answered, and for the first time exactly once."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from app.audit.parked import RELEASED, Place
from app.kernel.routing import partition_of
from schemas.message import Result


class _Identity(NamedTuple):
    """What makes a command the same command."""

    aggregate_type: str
    aggregate_id: str
    order_id: str
    """The order that the command names, or nothing: command ids are remembered for each."""
    command_id: str

    def __str__(self) -> str:
        about = f" about order {self.order_id}" if self.order_id else ""
        return f"{self.command_id} to {self.aggregate_type} {self.aggregate_id}{about}"


class Answers:
    """The answers of one partition; `result` comes before `command` and `findings`.

    What a command was answered is only as old as the topic `results`: once its beginning was deleted, older commands are not judged.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._firsts: Counter[_Identity] = Counter()
        self._repeated: set[_Identity] = set()
        self._answered: Counter[Place] = Counter()
        self._oldest: ConsumerRecord | None = None

    def result(self, record: ConsumerRecord) -> Iterator[str]:
        """Count one record of `results`; a line for each thing that is wrong with it."""
        self._oldest = self._oldest or record
        where = f"{record.topic} [{record.partition}] {record.offset}"
        if (partition := partition_of(record.key, self._partitions)) != record.partition:
            yield f"{where}: {record.key!r} belongs to partition {partition}"
        try:
            self._count(Result.model_validate_json(record.value or b""), record)
        except (ValidationError, KeyError) as error:
            yield f"{where}: cannot be read: {error!r}"

    def command(self, record: ConsumerRecord, before: str | None, after: str | None) -> Iterator[str]:
        """A line if a command that was processed has no answer, or more than one; what `parked` said of it before and after the results were read."""
        place, where = (record.topic, record.offset), f"{record.topic} [{record.partition}] {record.offset}"
        answers = self._answered[place]
        if answers > 1:
            yield f"{where}: answered {answers} times"
        elif answers == 1 and after not in {None, RELEASED}:
            yield f"{where}: was answered, and is {after}"
        elif answers == 0 and (after is None or before == RELEASED) and not self._forgotten(record):
            yield f"{where}: was processed, and has neither a result nor been parked"

    def findings(self) -> Iterator[str]:
        """A line for each command whose first result is there twice, or not at all."""
        yield from (f"command {command} has {count} first results" for command, count in self._firsts.items() if count > 1)
        if not self._cut:
            missing = (command for command in self._repeated if not {command, command._replace(order_id="")} & self._firsts.keys())
            yield from (f"command {command} was answered as a duplicate, and has no first result" for command in missing)

    def _count(self, result: Result, record: ConsumerRecord) -> None:
        if result.outcome == "parked":
            return
        self._answered[_place(record)] += 1
        order_id = dict(record.headers).get("order-id", b"").decode()
        command = _Identity(result.aggregate_type, result.aggregate_id, order_id, result.command_id)
        if result.duplicate:
            self._repeated.add(command)
        else:
            self._firsts[command] += 1

    @property
    def _cut(self) -> bool:
        return self._oldest is not None and self._oldest.offset > 0

    def _forgotten(self, command: ConsumerRecord) -> bool:
        return self._oldest is not None and self._cut and command.timestamp < self._oldest.timestamp


def _place(record: ConsumerRecord) -> Place:
    headers = dict(record.headers)
    return headers["command-topic"].decode(), int(headers["command-offset"])
