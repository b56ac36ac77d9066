"""The ends up to which the auditor reads: whatever is committed between two looks at them is no finding."""

from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from aiokafka import TopicPartition

from app.audit import ends
from app.audit.audit import audit
from app.audit.ends import Span, Spans
from app.settings import Settings
from tests.system.environment import Environment
from tests.system.written import Writer, Written, intact, parked, position, product, received, settled

Ends = dict[TopicPartition, int]


class Busy:
    """A system at work: each step is one transaction, or all that is written before the next look at the ends."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        self._commands = self._version = 3
        self.steps = 0

    async def step(self) -> None:
        """A command is accepted; one that is parked is released; another is parked."""
        self.steps += 1
        await self._writer.write(*self._accepted())
        if self.steps > 1:
            await self._writer.write(*self._released())
        await self._writer.write(*self._parked())

    def _accepted(self) -> Iterable[Written]:
        command, *effects = received(self._next_command(), self._next_version())
        return [command, *self._state(), *effects]

    def _parked(self) -> Iterable[Written]:
        self._waiting = self._next_command()
        command, _, _ = received(self._waiting, 0)
        return [command, position(self._settings, self._commands), parked(self._waiting, "failed")]

    def _released(self) -> Iterable[Written]:
        _, *effects = received(self._waiting, self._next_version())
        return [settled(self._waiting, "released"), *self._state(), *effects]

    def _state(self) -> Iterable[Written]:
        return [product(self._version, on_hand=self._version + 2), position(self._settings, self._commands)]

    def _next_command(self) -> int:
        self._commands += 1
        return self._commands - 1

    def _next_version(self) -> int:
        self._version += 1
        return self._version


@pytest.fixture
async def busy(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Busy]:
    """An intact log to which a step is added before each look at the ends, and after the last."""
    settings = small_environment.settings
    async with Writer(settings) as writer:
        log = intact()
        await writer.write(*log.commands, *log.results, *log.events, *log.rows, position(settings, 3))
        at_work = Busy(settings, writer)
        for name in ("begins", "committed", "settled"):
            monkeypatch.setattr(ends._Ends, name, _interrupted(at_work, getattr(ends._Ends, name)))  # noqa: SLF001 (its looks are what it consists of)
        yield at_work


def _interrupted(busy: Busy, look: Callable[..., object]) -> Callable[..., object]:
    async def interrupted(of: object, topics: Iterable[str]) -> Ends:
        await busy.step()
        found: Ends = await look(of, topics)  # type: ignore[misc]  # one of three methods
        await busy.step()
        return found

    return interrupted


async def test_what_is_committed_while_the_ends_are_taken_is_no_finding(busy: Busy, small_environment: Environment) -> None:
    assert await audit(small_environment.settings) == []
    assert busy.steps > 10, "each look was interrupted"


async def _backwards(taken: "ends._Ends", settings: Settings) -> Spans:
    """Ends in the order in which the topics are read."""
    names = ["parked", "results", *(f"{kind}.{name}" for kind in ("commands", "events") for name in ("order", "product", "customer"))]
    topics = [*map(settings.topic, names), settings.changelog]
    begins = await taken.begins(topics)
    found = {where: end for topic in topics for where, end in (await taken.committed([topic])).items()}
    return {where: Span(begin, found[where], found[where]) for where, begin in begins.items()}


@pytest.mark.control
@pytest.mark.usefixtures("busy")
async def test_ends_taken_in_another_order_give_false_findings(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "_taken", _backwards)

    findings = await audit(small_environment.settings)

    assert {line.partition(":")[0] for line in findings} >= {"no-result", "wrong-row"}, findings
