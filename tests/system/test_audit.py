"""The auditor finds each thing that can be wrong: these are the negative controls of every test that ends with a clean audit."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.audit.audit import audit
from app.kernel.parked import OUTCOME
from tests.cli.foldstream import foldstream
from tests.system.environment import Environment
from tests.system.written import Written, WrittenLog, intact

Spoil = Callable[[WrittenLog], None]


async def test_an_intact_log_has_no_findings(small_environment: Environment) -> None:
    await intact().write(small_environment.settings)

    assert await audit(small_environment.settings) == []


def gap(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(version=4)
    log.rows[0] = log.rows[0].but(version=4)


def repeat(log: WrittenLog) -> None:
    log.events.append(log.events[1].but(eventId="event-other"))


def same_id(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(eventId="event-2")


def wrong_partition(log: WrittenLog) -> None:
    log.events[0] = replace(log.events[0], misplaced=True)


def wrong_key(log: WrittenLog) -> None:
    log.events[2] = replace(log.events[2], key=b"another")


def newer_schema(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(schemaVersion=99)


def two_firsts(log: WrittenLog) -> None:
    log.commands.append(log.commands[0])
    again = replace(log.results[0], headers=[*log.results[0].headers[:2], ("command-offset", b"3")])
    log.results.append(again)


def answered_twice(log: WrittenLog) -> None:
    log.results.append(log.results[0].but(duplicate=True))


def only_a_duplicate(log: WrittenLog) -> None:
    log.results[0] = log.results[0].but(duplicate=True)


def missing_result(log: WrittenLog) -> None:
    del log.results[1]


def discarded(log: WrittenLog) -> None:
    log.parked.append(_outcome(1, b"discarded"))


def released_unanswered(log: WrittenLog) -> None:
    log.parked.append(_outcome(1, b"released"))
    del log.results[1]


def _outcome(offset: int, became: bytes) -> Written:
    values = (b"commands.product", b"0", str(offset).encode(), became, b"", b"2026-01-01T00:00:00.000Z")
    return Written("parked", {}, headers=list(zip(OUTCOME, values, strict=True)))


def wrong_row(log: WrittenLog) -> None:
    log.rows[0].value["state"]["on_hand"] = 6


def missing_row(log: WrittenLog) -> None:
    del log.rows[1]


def extra_row(log: WrittenLog) -> None:
    log.rows.append(replace(log.rows[0], key=b"product\0another"))


@pytest.mark.control
@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (gap, "version 4 of the-product follows 2"),
        (repeat, "version 2 of the-product follows 3"),
        (same_id, "the event id event-2 was there before"),
        (wrong_partition, "the-product belongs to partition"),
        (wrong_key, "the key b'another' is not the aggregate's id the-product"),
        (newer_schema, "install the newer Foldstream"),
        (two_firsts, "command command-0 to Product the-product has 2 first results"),
        (answered_twice, "commands.product [0] 0: answered 2 times"),
        (only_a_duplicate, "command command-0 to Product the-product was answered as a duplicate, and has no first result"),
        (missing_result, "commands.product [0] 1: was processed, and has neither a result nor been parked"),
        (discarded, "commands.product [0] 1: was answered, and is discarded"),
        (released_unanswered, "commands.product [0] 1: was processed, and has neither a result nor been parked"),
        (wrong_row, "row product the-product is"),
        (missing_row, "row reservation the-product/the-order is missing"),
        (extra_row, "row product another has no event behind it"),
    ],
)
async def test_what_is_wrong_is_found(small_environment: Environment, spoil: Spoil, finding: str) -> None:
    log = intact()
    spoil(log)
    await log.write(small_environment.settings)

    findings = await audit(small_environment.settings)

    assert any(finding in line for line in findings), findings


async def test_the_command_prints_the_findings_and_ends_with_1(small_environment: Environment) -> None:
    log = intact()
    missing_row(log)
    await log.write(small_environment.settings)
    chosen = small_environment.settings.model_dump(mode="json", include={"broker", "topic_prefix", "app_id", "partitions"})

    done = foldstream("verify", **chosen)

    assert done.returncode == 1
    assert done.stdout.endswith("row reservation the-product/the-order is missing\n")
