"""Faults of every step of a saga, forward and in compensation, on a real broker: each saga ends right (the generated table of `saga_cases`)."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path

import msgspec
import pytest

from app.client.log_reader import LogReader
from app.client.results import Json
from app.verify.run import audit
from tests.conftest import RunningKafka
from tests.support.sagas.saga_cases import PARTITIONS, PAYMENT, STEPS, Case, Fault, each_heard, each_with
from tests.support.sagas.saga_ends import moved, moves, order_end, saga_end
from tests.support.sagas.saga_stage import WITHIN_S, Stage
from tests.support.workers.environment import Environment, opened
from tests.support.workers.lives import Mortal, died
from tests.support.workers.repeater import Repeater
from tests.support.workers.shop import Events, command, kinds, sagas
from tests.support.workers.worker import WHOLE, without

pytestmark = pytest.mark.timeout(900)

AT_ONCE, HELD, HEARD_LATE = 1, 2, 3
"""Partitions that hold back commands until all are there, or until other steps have failed, and one that holds back answers as long."""

TIMED_OUT: dict[Fault, list[str]] = {"asked twice": ["again"], "timed out": ["again", "final"], "never heard": ["again", "final"]}
"""Time-outs of a step, by its fault. A step whose command or answer is unread does not time out, however long that takes."""

KINDS = ("saga", "order", "customer", "product")

PATIENCE = {"saga_step_timeout_s": "4", "saga_backoff_s": "2", "saga_retries": "1"}
"""Settings with which a saga sends each command twice, and gives up ten seconds after it was read."""


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield an environment with a partition for each way of holding records back."""
    async with opened(Environment(kafka.bootstrap, tmp_path, PARTITIONS)) as fresh:
        yield fresh


def table() -> Iterator[Case]:
    """Yield all steps with all faults that need no kill."""
    yield from each_with("refused", AT_ONCE)
    yield Case(PAYMENT, "in another currency", AT_ONCE)
    yield from each_with("repeated", AT_ONCE)
    yield from each_with("held up", HELD)
    yield from each_heard("heard late", AT_ONCE, HEARD_LATE)
    yield from each_with("asked twice", AT_ONCE)
    yield from each_with("timed out", AT_ONCE)
    yield from each_heard("never heard", AT_ONCE)


def losing(cases: Sequence[Case], *program: str) -> tuple[str, ...]:
    """Return the program of a worker that loses commands and answers as the cases demand; `program` may precede it."""
    faults: dict[str, Fault] = {"unanswered": "timed out", "unanswered-once": "asked twice", "unheard": "never heard"}
    lost = [f"{how}={','.join(case.command_id for case in befalling(cases, fault))}" for how, fault in faults.items()]
    return (*(program or ("-m",)), "tests.support.workers.silent", *lost)


async def befallen(environment: Environment, cases: Sequence[Case], *program: str) -> None:
    """Bring every case to its step, apply its fault, and assert that it ends as the table says."""
    for name in ("one", "other"):
        environment.worker(name, program=losing(cases, *program), **PATIENCE)
    repeated = {case.command_id for case in befalling(cases, "repeated")}
    async with sagas(environment) as found, Repeater(environment.settings, repeated) as repeater:
        async with Stage(environment, found) as stage:
            await stage.bring(cases)
            await stage.hold("Saga", [HEARD_LATE])
            await stage.let_go_all(AT_ONCE)
            await stage.asked_again(befalling(cases, "asked twice"))
            await stage.given_up(befalling(cases, "timed out", "never heard"))
            assert {str(case): stage.timed_out(case) for case in cases} == {str(case): TIMED_OUT.get(case.fault, []) for case in cases}
            await stage.let_go_all(HELD, HEARD_LATE)
            await ended(found, cases)
        await environment.caught_up()
        assert repeater.repeated == repeated
        await repeater.again()
        await retried(environment, found, [case for case in befalling(cases, "timed out", "never heard") if case.step.way == "undo"])
    await ended_right(environment, cases)


def befalling(cases: Sequence[Case], *faults: Fault) -> list[Case]:
    """Return the cases with one of these faults."""
    return [case for case in cases if case.fault in faults]


async def ended(found: Events, cases: Sequence[Case]) -> None:
    """Wait until each saga's last event is the one of the table. List those that differ."""
    with suppress(TimeoutError):
        await found.last({case.order_id: saga_end(case) for case in cases}, WITHIN_S)
    assert {str(case): found.lasts()[case.order_id] for case in cases} == {str(case): saga_end(case) for case in cases}


async def retried(environment: Environment, found: Events, cases: Sequence[Case]) -> None:
    """Retry failed compensations as an operator. Each is compensated then, or found to be compensated already."""
    await environment.send(command("Saga", case.order_id, "RetryStep", user="ada", reason="it is back", **case.named) for case in cases)
    await found.last({case.order_id: "SagaFailed" for case in cases})


async def ended_right(environment: Environment, cases: Sequence[Case]) -> None:
    """Assert that all refusals, steps and compensations are as the table says, each once. verify must find only lost commands."""
    await environment.caught_up()
    results, told, orders, customers, products = [await records(environment, topic) for topic in ("results", *map("events.{}".format, KINDS))]
    last = {event["aggregateId"]: event["eventType"] for event in orders}
    assert refusals(results, cases) == {str(case): case.refusal for case in cases if case.is_refused}
    assert {str(case): done_twice(kinds(told, case.order_id)) for case in cases} == {str(case): [] for case in cases}
    assert {str(case): last[case.order_id] for case in cases} == {str(case): order_end(case) for case in cases}
    assert {str(case): moved([*customers, *products], case) for case in cases} == {str(case): moves(case) for case in cases}
    lost = {"no-result"} if befalling(cases, "asked twice", "timed out") else set()
    assert {finding.partition(":")[0] for finding in await audit(environment.settings)} == lost


def refusals(results: Sequence[Json], cases: Sequence[Case]) -> dict[str, str]:
    """Return the code with which each case's command was refused, if it was."""
    found = {result["commandId"]: result["refusal"]["code"] for result in results if result["outcome"] == "refused"}
    return {str(case): found[case.command_id] for case in cases if case.command_id in found}


def done_twice(told: Sequence[str]) -> list[str]:
    """Return the repeated events of a saga. Failures and retries of a step may be repeated."""
    return [kind for kind, times in Counter(told).items() if times > 1 and not kind.startswith(("StepFailed", "StepRetried"))]


async def records(environment: Environment, topic: str) -> list[Json]:
    """Return the values of all records of a topic of the contract."""
    async with LogReader(environment.settings) as log:
        return [msgspec.json.decode(record.value) async for record in log.topic(environment.settings.topic(topic))]


async def test_every_step_that_is_refused_repeated_late_or_given_up_ends_right(environment: Environment) -> None:
    await befallen(environment, [*table()])


@pytest.mark.control
async def test_a_payment_that_was_given_up_and_is_not_taken_for_one_in_doubt_is_found(environment: Environment) -> None:
    with pytest.raises(AssertionError, match="PaymentRefunded"):
        await befallen(environment, [Case(PAYMENT, "never heard", AT_ONCE)], *without("doubt"))


@pytest.mark.control
async def test_a_payment_that_times_out_while_nobody_has_read_its_command_is_found(environment: Environment) -> None:
    with pytest.raises(AssertionError, match="held-up"):
        await befallen(environment, [Case(PAYMENT, "held up", HELD), Case(PAYMENT, "timed out", AT_ONCE)], *without("unread"))


async def test_a_worker_may_die_before_and_after_it_answers_every_step(environment: Environment, tmp_path: Path) -> None:
    mortal = Mortal(environment, tmp_path / "disk")
    plain = mortal.live(program=WHOLE)
    cases = [*each_with("killed before", AT_ONCE), *each_with("killed after", HELD)]
    async with sagas(environment) as found, Stage(environment, found) as stage:
        await stage.bring(cases)
        plain.destroy()
        for partition, kind in product((AT_ONCE, HELD), dict.fromkeys(step.kind for step in STEPS)):
            group = [case for case in cases if (case.partition, case.step.kind) == (partition, kind)]
            await stage.let_go((kind, partition))
            program = ("-m", "tests.support.workers.dying", group[0].fault.removeprefix("killed "), *(case.command_id for case in group))
            await died(mortal.live(f"{group[0]}", program))
        mortal.live("successor", WHOLE)
        await ended(found, cases)
    await ended_right(environment, cases)
