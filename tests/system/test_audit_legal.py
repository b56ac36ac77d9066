"""What may happen to a log without anything being wrong is no finding: retention, command ids that come again, whatever was parked."""

from dataclasses import replace

import pytest

from app.audit.audit import audit
from app.domain.answer import WINDOW
from app.kernel.routing import partition_of
from tests.system.environment import Environment
from tests.system.written import PRODUCT, Written, WrittenLog, answered, caused, intact, parked, product, refused, settled

SEVEN_DAYS = ("results", "commands.product")
"""Topics whose records go in time."""


def repeated(others: int) -> WrittenLog:
    """An order of five pieces comes again after so many other commands, all of them refused, and is done again."""
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
    """What is remembered after that: the last 256 commands that name no order."""
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
    monkeypatch.setattr("app.audit.answers.Answers.cut", False)

    assert any("wrong-row" in line and "has no first result" in line for line in await audit(small_environment.settings))


@pytest.mark.parametrize("left", [2, 1, 0])
async def test_commands_whose_results_are_deleted_and_those_whose_are_not_are_told_apart(small_environment: Environment, left: int) -> None:
    log = intact()
    log.commands.append(log.commands[0].but(commandId="command-3"))
    await log.write(small_environment.settings)
    await delete(small_environment, "results", before=3 - left)

    findings = await audit(small_environment.settings)

    missing = [line for line in findings if "no-result" in line]
    assert (len(findings), len(missing)) == ((1, 1) if left else (0, 0)), "without any result nobody knows which were there"


async def test_a_command_that_was_parked_may_have_been_answered_late(small_environment: Environment) -> None:
    log = intact()
    log.parked += [parked(1, "failed"), parked(2, "failed"), settled(1, "released"), settled(2, "released")]
    log.parked[1] = replace(log.parked[1], headers=[(name, b"behind-parked" if name == "parked-reason" else value) for name, value in log.parked[1].headers])
    await log.write(small_environment.settings)
    await delete(small_environment, "results", before=2)

    assert await audit(small_environment.settings) == []


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
