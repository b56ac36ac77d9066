"""Legal histories, in which verify finds nothing: retention, repeated command ids, parked records.

A real fault, or a record that cannot be checked, gives one finding and not many.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.errors import FoldstreamError
from app.eventsourcing.decide import WINDOW
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.reader import read
from app.streams.kafka.skips import Skips
from app.verify.run import audit
from tests.support.workers.environment import Environment
from tests.support.workers.written import PRODUCT, Written, WrittenLog, answered, caused, intact, parked, product, refused, settled

SEVEN_DAYS = ("results", "commands.product")
"""Topics whose records are deleted after some days."""


def repeated(others: int) -> WrittenLog:
    """Return a log in which a command is repeated after so many refused commands, and is done again."""
    log, last = intact(), 3 + others
    for number in range(3, last):
        command, result = refused(number, 3)
        log.commands.append(command)
        log.results.append(result)
    command, result, event = caused(1, 4, "ReceiveStock", "StockReceived", {"quantity": 5})
    log.commands.append(command)
    log.results.append(replace(result, headers=[*result.headers[:2], ("command-offset", b"%d" % last)]))
    log.events.append(replace(event, caused_by=last))
    log.rows[0], log.rows[2] = product(4, on_hand=10), _answers(last)
    return log


def _answers(last: int) -> Written:
    """Return the row of results after that: those of the last 256 commands that name no order."""
    refusals = {f"command-{number}": {"version": 3, "code": "already-exists", "body": "some"} for number in range(max(3, last - WINDOW + 1), last)}
    return answered({1: 4}).but(**refusals) if refusals else answered({1: 4})


async def delete(environment: Environment, *topics: str, before: int) -> None:
    """Delete the first records of these topics, in the product's partition."""
    for topic in topics:
        await environment.delete_before(topic, partition_of(PRODUCT.encode(), environment.settings.partitions), before)


async def test_a_week_without_traffic_leaves_no_results_and_that_is_no_finding(small_environment: Environment) -> None:
    await intact().write(small_environment.settings)
    for topics in (SEVEN_DAYS[:1], SEVEN_DAYS):
        await delete(small_environment, *topics, before=3)
        assert await audit(small_environment.settings) == []


@pytest.mark.control
async def test_results_that_are_taken_for_complete_because_none_is_left_give_false_findings(
    small_environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intact().write(small_environment.settings)
    await delete(small_environment, *SEVEN_DAYS, before=3)
    monkeypatch.setattr("app.verify.write_side.results.ResultCheck.cut", False)

    assert any("wrong-row" in line and "has no first result" in line for line in await audit(small_environment.settings))


@pytest.mark.parametrize("left", [2, 1, 0])
async def test_commands_whose_results_are_deleted_and_those_whose_are_not_are_told_apart(small_environment: Environment, left: int) -> None:
    log = intact()
    log.commands.append(log.commands[0].but(commandId="command-3"))
    await log.write(small_environment.settings)
    await delete(small_environment, "results", before=3 - left)

    findings = await audit(small_environment.settings)

    missing = [line for line in findings if "no-result" in line]
    assert (len(findings), len(missing)) == ((1, 1) if left else (0, 0)), "without any result it is not known which were there"


async def test_a_command_that_was_parked_may_have_been_answered_late(small_environment: Environment) -> None:
    log = intact()
    log.parked += [parked(1, "failed"), parked(2, "failed"), settled(1, "released"), settled(2, "released")]
    log.parked[1] = replace(log.parked[1], headers=[(name, b"behind-parked" if name == "parked-reason" else value) for name, value in log.parked[1].headers])
    await log.write(small_environment.settings)
    await delete(small_environment, "results", before=2)

    assert await audit(small_environment.settings) == []


async def test_imported_events_have_ids_of_their_own_until_the_first_that_is_derived(small_environment: Environment) -> None:
    log = intact()
    imported = {"eventId": "from-elsewhere", "metadata": {"correlationId": "elsewhere", "causationId": "elsewhere"}}
    log.events[0] = log.events[0].but(**imported)
    del log.commands[0], log.results[0]
    for number, result in enumerate(log.results):
        log.results[number] = replace(result, headers=[*result.headers[:2], ("command-offset", b"%d" % number), *result.headers[3:]])
    log.events = [log.events[0], *(replace(event, caused_by=number) for number, event in enumerate(log.events[1:]))]
    log.events[0] = replace(log.events[0], caused_by=None)
    log.rows[2] = answered({1: 2})
    await log.write(small_environment.settings)
    assert await audit(small_environment.settings) == []


@pytest.mark.long
async def test_a_command_id_that_comes_again_beyond_the_window_is_done_again_and_that_is_no_finding(small_environment: Environment) -> None:
    await repeated(WINDOW).write(small_environment.settings)
    counted: list[str] = []

    assert await audit(small_environment.settings, tell=counted.append) == []
    assert f"commands: 1 done again, for their ids were repeated after {WINDOW} others" in counted
    for topic, before in (("commands.product", 2), ("results", 1), ("results", 2), ("results", 200), ("results", 3 + WINDOW), ("results", 4 + WINDOW)):
        await delete(small_environment, topic, before=before)
        assert await audit(small_environment.settings) == [], (topic, before)


@pytest.mark.control
async def test_a_command_id_that_is_done_again_within_the_window_is_found(small_environment: Environment) -> None:
    await repeated(WINDOW - 1).write(small_environment.settings)

    kinds = {line.partition(":")[0] for line in await audit(small_environment.settings)}

    assert {"two-results", "event-id-twice"} <= kinds


@pytest.mark.parametrize(
    "cannot_be", [{"hello": 1}, {**intact().events[1].value, "schemaVersion": 99}, {**intact().events[1].value, "payload": {"quantity": "5"}}]
)
async def test_of_an_aggregate_of_which_an_event_cannot_be_read_nothing_else_is_said(small_environment: Environment, cannot_be: dict[str, object]) -> None:
    log = intact()
    log.events[1] = replace(log.events[1], value=cannot_be, caused_by=None)
    await log.write(small_environment.settings)
    counted: list[str] = []

    [finding] = await audit(small_environment.settings, tell=counted.append)

    assert finding.startswith("unreadable:")
    assert "unjudged: 1 of Product, of which events are parked or cannot be read" in counted


async def test_a_defect_of_the_audit_gives_one_line_and_the_rest_is_judged(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    log = intact()
    log.rows.append(replace(log.rows[0], key=b"product\0another"))
    await log.write(small_environment.settings)
    monkeypatch.setattr("app.verify.write_side.event_log.losses", lambda *_: 1 // 0)
    counted: list[str] = []

    findings = await audit(small_environment.settings, tell=counted.append)

    assert next(line for line in findings if line.startswith("unjudged: ")).endswith(
        "which is a defect of the audit: ZeroDivisionError('integer division or modulo by zero')"
    )
    assert any("key product another: has no event behind it" in line for line in findings)
    assert "orders: not judged, for some of what is known of them could not be read" in counted


async def test_records_that_cannot_be_read_give_one_line_with_their_place(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    await intact().write(small_environment.settings)
    topic = small_environment.settings.topic("results")
    monkeypatch.setattr("app.verify.reading.log_reader.read", partial(_damaged, topic))

    findings = await audit(small_environment.settings)

    partition = partition_of(PRODUCT.encode(), 2)
    assert [line.partition(": cannot be read from here on")[0] for line in findings] == [f"unjudged: {topic} [{partition}] 0"]


async def _damaged(  # noqa: PLR0913, PLR0917 (as `read`)
    topic: str, consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int, skips: Skips
) -> AsyncIterator[tuple[Sequence[ConsumerRecord], int]]:
    """Read like `read`, but fail at damaged records in this topic."""
    if where.topic == topic and end > start:
        raise UnicodeDecodeError("utf-8", b"\xc3", 0, 1, "invalid")
    async for batch in read(consumer, where, start, end, skips):
        yield batch


async def test_an_audit_that_fails_before_it_begins_says_so_in_one_line(small_environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_settings: Settings) -> None:
        raise LookupError

    monkeypatch.setattr("app.verify.run.spans", fail)

    with pytest.raises(FoldstreamError, match="the audit itself failed"):
        await audit(small_environment.settings)
