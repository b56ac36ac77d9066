"""Shop without traffic for longer than the retention of commands. Nothing is lost, so workers join, leave and return as usual."""

import signal

import pytest

from app.topics.contract import LOGS, command_topic
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.shop import customer, order, product, sagas
from tests.support.workers.worker import UNHURRIED, WHOLE, without


@pytest.mark.long
async def test_a_worker_may_be_killed_as_soon_as_the_lag_is_0_and_its_topics_emptied(small_environment: Environment) -> None:
    only = small_environment.worker("only", program=WHOLE)
    async with sagas(small_environment) as found:
        await small_environment.send([customer("c-1"), *product("p-1"), order("o-1", "p-1")])
        await found.ended(["o-1"])
        await quiet_week(small_environment)

        only.signal(signal.SIGKILL)
        await only.exit_code(within_s=60)
        only.start()
        await small_environment.send([order("later", "p-1")])
        await found.ended(["later"])

    assert await audit(small_environment.settings) == []


@pytest.mark.long
async def test_workers_join_and_come_back_after_a_quiet_week(small_environment: Environment) -> None:
    one = small_environment.worker("one", program=WHOLE)
    async with sagas(small_environment) as found:
        await small_environment.send([customer("c-1"), *product("p-1"), *(order(f"o-{number}", "p-1") for number in range(4))])
        await found.ended(f"o-{number}" for number in range(4))
        await quiet_week(small_environment)

        other = small_environment.worker("other", program=WHOLE)
        await until(lambda: bool(one.owned) and bool(other.owned) and one.owned | other.owned == {0, 1}, within_s=100)
        one.signal(signal.SIGTERM)
        assert await one.exit_code(within_s=60) == 0
        one.start()
        await small_environment.send([order("later-1", "p-1"), order("later-2", "p-1")])
        await found.ended(["later-1", "later-2"])

    assert "deleted before" not in one.said + other.said
    assert await audit(small_environment.settings) == []


@pytest.mark.long
async def test_a_worker_that_ends_right_after_its_last_order_has_kept_that_all_was_read(small_environment: Environment) -> None:
    await ended_right_after_its_last_order(small_environment, UNHURRIED)


@pytest.mark.control
async def test_positions_that_a_stop_does_not_keep_are_found(small_environment: Environment) -> None:
    with pytest.raises(AssertionError, match="were deleted before they were read"):
        await ended_right_after_its_last_order(small_environment, without("kept-at-stop", *UNHURRIED[1:]))


async def ended_right_after_its_last_order(environment: Environment, program: tuple[str, ...]) -> None:
    """End a worker right after commit markers were written, empty its topics, and start it again. It must continue."""
    worker = environment.worker("worker", program=program)
    async with sagas(environment) as found:
        await environment.send([customer("c-1"), *product("p-1"), *(order(f"o-{number}", "p-1") for number in range(10))])
        await found.ended(f"o-{number}" for number in range(10))
        worker.signal(signal.SIGTERM)
        assert await worker.exit_code(within_s=60) == 0
        await empty(environment)

        worker.start()
        everything = {"task 0", "task 1", "view 0", "view 1"}
        await until(lambda: "stays closed" in worker.said or worker.opened == everything, within_s=100)
        assert "were deleted before they were read" not in worker.said
        await environment.send([order("later-1", "p-1"), order("later-2", "p-1")])
        await found.ended(["later-1", "later-2"])
    assert await audit(environment.settings) == []


async def quiet_week(environment: Environment) -> None:
    """Empty the command topics. Where the group's lag is 0, the tasks have stored positions at the end."""
    await environment.caught_up()
    await empty(environment)


async def empty(environment: Environment) -> None:
    """Delete all commands, and all inputs of sagas."""
    await environment.empty(*(command_topic(environment.settings, kind) for kind in LOGS))
