"""End offsets up to which verify reads: transactions committed between two reads of the ends cause no finding."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

import pytest
from aiokafka import TopicPartition

from app.settings import Settings
from app.verify.reading import end_offsets as ends
from app.verify.reading.end_offsets import Span, Spans
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.written import ORDER, Writer, Written, answered, caused, intact, parked, parked_row, position, product, received, settled

Ends = dict[TopicPartition, int]


class Busy:
    """System at work. Each step is one transaction, or everything written before the next read of the ends."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._commands = self._version = 3
        self._answered = {0: 1, 1: 2}
        self.steps = 0

    async def step(self) -> None:
        """Accept a command, release a parked one, and park another."""
        self.steps += 1
        await self._writer.write(*self._accepted())
        if self.steps > 1:
            await self._writer.write(*self._released())
        await self._writer.write(*self._parked())

    def _accepted(self) -> Iterable[Written]:
        number = self._next_command()
        command, *effects = received(number, self._next_version(number))
        return [command, *self._state(), *effects]

    def _parked(self) -> Iterable[Written]:
        self._waiting = self._next_command()
        command, _, _ = received(self._waiting, 0)
        return [command, position(self._commands), parked_row(self._waiting), parked(self._waiting, "failed")]

    def _released(self) -> Iterable[Written]:
        _, *effects = received(self._waiting, self._next_version(self._waiting))
        gone = replace(parked_row(self._waiting), value={})
        return [settled(self._waiting, "released"), gone, *self._state(), *effects]

    def _state(self) -> Iterable[Written]:
        return [product(self._version, on_hand=self._version + 2), answered(self._answered), position(self._commands)]

    def _next_command(self) -> int:
        self._commands += 1
        return self._commands - 1

    def _next_version(self, number: int) -> int:
        self._version += 1
        self._answered[number] = self._version
        return self._version


@pytest.fixture
async def busy(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Busy]:
    """Yield an intact log that grows by a step before each read of the ends, and after the last one."""
    settings = small_environment.settings
    async with Writer(settings) as writer:
        log = intact()
        await writer.write(*log.commands, *log.results, *log.events, *log.rows, position(3))
        at_work = Busy(writer)
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
    """Read the ends in the order in which the topics are read."""
    names = ["parked", "results", *(f"{kind}.{name}" for kind in ("commands", "events") for name in ("order", "product", "customer")), "events.saga"]
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


async def shown_late(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run verify while a transaction's rows are visible, and its event and result are not yet. Return the findings."""
    waited_for: list[str] = []
    look = ends._short  # noqa: SLF001 (where it notices that it has to wait)

    def short(committed: Ends, written: Ends) -> list[str]:
        waited_for.extend(look(committed, written))
        return look(committed, written)

    monkeypatch.setattr(ends, "_short", short)
    log = intact()
    async with Writer(settings) as writer, Writer(settings, transactional_id=settings.app_id) as late:
        await writer.write(*log.commands, *log.results[:2], *log.events[:2], *log.rows, position(3))
        late.times = writer.times
        await late.write(log.results[2], log.events[2])
        auditing = asyncio.create_task(audit(settings))
        await until(lambda: bool(waited_for) or auditing.done(), within_s=60)
        await late.commit()
        return await auditing


async def test_a_transaction_of_which_a_part_can_be_seen_is_waited_for(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await shown_late(small_environment.settings, monkeypatch) == []


@pytest.mark.control
async def test_a_transaction_that_is_not_waited_for_gives_false_findings(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends._Ends, "settled", ends._Ends.committed)  # noqa: SLF001 (what is switched off)

    findings = await shown_late(small_environment.settings, monkeypatch)

    assert {line.partition(":")[0] for line in findings} >= {"no-result", "wrong-row"}, findings


async def test_rows_that_compaction_took_away_before_they_were_read_are_no_finding(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction keeps the last value of a row: here that of a later transaction, which lies beyond the ends."""
    log = intact()
    command, *effects = caused(3, 4, "ReleaseInventory", "InventoryReleased", {"orderId": ORDER, "quantity": 2})
    later = [command.but(payload={"orderId": ORDER}), *effects, product(4, 5, reserved=0), *log.rows[2:]]
    settled_ends = ends._Ends.settled  # noqa: SLF001 (what is interrupted)

    async with Writer(small_environment.settings) as writer:
        await writer.write(*log.commands, *log.results, *log.events, log.rows[1], position(3))

        async def interrupted(of: "ends._Ends", topics: Iterable[str]) -> Ends:
            found = await settled_ends(of, topics)
            while later:
                await writer.write(later.pop(0))
            return found

        monkeypatch.setattr(ends._Ends, "settled", interrupted)  # noqa: SLF001 (the same)

        assert await audit(small_environment.settings) == []
