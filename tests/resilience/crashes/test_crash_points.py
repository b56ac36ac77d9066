"""Crash points: a worker that dies at any named point of a task's life leaves nothing that its successor cannot finish."""

from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from app.client.results import Json
from app.eventsourcing.ids import command_id
from app.verify.run import audit
from tests.support.http.client import ready
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.lives import Mortal, died
from tests.support.workers.points import REBUILD, RELEASE, TAKE_OVER, TRANSACTION, WAKING
from tests.support.workers.shop import command, customer, order, product, sagas
from tests.support.workers.traffic import identities, traffic
from tests.support.workers.worker import WHOLE
from tests.system.http.test_parked import receive_stock

pytestmark = pytest.mark.timeout(300)

ROUNDS = 2
"""Number of deaths at each point around timers. A saga whose command is parked sends it again and again, each time by a timer."""

COMMANDS = 300
"""Number of commands. The first half has some of each type: without a result, no position of a topic would be left once the changelog is lost."""
END = -1
"""Offset by which Kafka means the end of a partition."""


async def finished(environment: Environment, mortal: Mortal, commands: list[Json], results: Results) -> None:
    """Start a plain worker, which answers the rest. Assert that everything was done once."""
    mortal.live("successor")
    await results.number(len(commands), within_s=100)
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []


async def test_a_worker_that_dies_at_any_point_of_a_transaction_leaves_no_trace(environment: Environment, mortal: Mortal) -> None:
    commands = traffic(COMMANDS)
    async with Results(environment.settings) as results:
        await environment.send(commands)

        await mortal.die_at(TRANSACTION)

        await finished(environment, mortal, commands, results)


@pytest.mark.control
async def test_a_worker_whose_position_is_not_in_its_transaction_is_found_when_it_dies_behind_it(environment: Environment, mortal: Mortal) -> None:
    commands = traffic(COMMANDS)
    async with Results(environment.settings) as results:
        await environment.send(commands)

        await died(mortal.doomed("after-store-write", "without_position"))

        with pytest.raises(AssertionError, match="answered 2 times"):
            await finished(environment, mortal, commands, results)


async def test_a_worker_that_dies_at_any_point_of_a_take_over_or_of_folding_rows_anew_leaves_no_trace(environment: Environment, mortal: Mortal) -> None:
    commands = traffic(COMMANDS)
    async with Results(environment.settings) as results:
        await killed_half_way(environment, mortal, commands, results)

        await mortal.die_at([*TAKE_OVER, *REBUILD])

        await finished(environment, mortal, commands, results)


async def test_a_worker_that_dies_in_the_middle_of_a_rebuild_of_everything_leaves_no_trace(environment: Environment, mortal: Mortal) -> None:
    commands = traffic(COMMANDS)
    async with Results(environment.settings) as results:
        await killed_half_way(environment, mortal, commands, results)
        await lose_changelog(environment)

        await mortal.die_at(REBUILD)

        await finished(environment, mortal, commands, results)


async def lose_changelog(environment: Environment) -> None:
    """Delete all records of the changelog, which a broker never does to a compacted topic."""
    changelog = environment.settings.changelog.removeprefix(environment.settings.topic_prefix)
    await environment.configure(changelog, cleanup_policy="delete")
    await environment.delete_before(changelog, 0, END)
    await environment.configure(changelog)


async def killed_half_way(environment: Environment, mortal: Mortal, commands: list[Json], results: Results) -> None:
    """Kill a plain worker once it has answered half of the commands. The others wait."""
    half = len(commands) // 2
    await environment.send(commands[:half])
    plain = mortal.live()
    await results.number(half, within_s=100)
    plain.destroy()
    await environment.send(commands[half:])


async def test_a_worker_that_dies_in_the_middle_of_a_release_leaves_the_rest_to_its_successor_in_order(environment: Environment, mortal: Mortal) -> None:
    commands, (uncommitted, between) = 10, RELEASE
    async with Results(environment.settings) as results, aiohttp.ClientSession() as session:
        await environment.send(map(receive_stock, range(commands)))
        plain = mortal.live()
        await results.number(commands, within_s=100)
        plain.destroy()

        doomed = mortal.doomed(uncommitted)
        client = await ready(session, doomed)
        with suppress(aiohttp.ClientError):  # the worker may die before it answers
            await client.post(f"/parked/{environment.settings.topic('commands.product')}/0/0/discard", {"reason": "no such command"})
        await died(doomed)
        await mortal.die_at([between])

        mortal.live("successor")
        await results.number(commands + commands - 1, within_s=100)
    finals = [result for result in results.all if result["outcome"] != "parked"]
    assert [(result["commandId"], result["version"]) for result in finals] == [(f"c-{number}", number) for number in range(1, commands)]
    assert await audit(environment.settings) == []


async def test_a_worker_that_dies_at_any_point_of_a_waking_wakes_once_in_effect(environment: Environment, tmp_path: Path) -> None:
    names, customers = [f"o-{number}" for number in range(5)], environment.settings.topic("commands.customer")
    mortal = Mortal(environment, tmp_path / "disk", saga_backoff_s="0.2", saga_retries="10")
    async with sagas(environment) as found, Results(environment.settings, of="c-1") as results, aiohttp.ClientSession() as session:
        plain = mortal.live(program=WHOLE)
        await environment.send([customer("c-1"), *product("p-1"), command("Customer", "c-1", "PaintCustomer")])
        await results.number(2)
        await environment.send(order(name, "p-1") for name in names)
        await until(lambda: all("StepFailed payment" in found.kinds(name) for name in names), within_s=100)
        plain.destroy()

        await mortal.die_at([*WAKING] * ROUNDS)

        client = await ready(session, mortal.live("successor", program=WHOLE))
        await client.post(f"/parked/{customers}/0/1/discard", {"reason": "no such command"})
        await found.ended(names)
        for name in names:
            await woken_once(found.kinds(name), results, command_id(name, "do", "payment", "1"))
    assert await audit(environment.settings) == []


async def woken_once(told: list[str], results: Results, payment: str) -> None:
    """Assert that each firing of the timer sent one more command, that each was answered once, and that the order completed.

    Failures and repetitions alternate. Most commands were parked first, but none that was read after the release.
    """
    wakings = told[2 : told.index("StepCompleted payment")]
    assert wakings[::2] == ["StepFailed payment"] * len(wakings[::2])
    assert wakings[1::2] == ["StepRetried payment"] * len(wakings[1::2])
    assert len(wakings) >= 2 * ROUNDS
    await until(lambda: answers(results, payment) == 1 + len(wakings[1::2]), within_s=100)
    assert told[-1] == "Completed"


def answers(results: Results, command: str) -> int:
    """Return the number of results to all records of a command, except those that it was parked."""
    return sum(result["commandId"] == command and result["outcome"] != "parked" for result in results.all)
