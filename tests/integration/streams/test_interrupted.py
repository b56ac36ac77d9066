"""Task that is closed in the middle of a transaction, as on a revocation: it leaves all of the transaction or nothing, and its successor continues."""

import pytest

from tests.support.streams.harness import Harness
from tests.support.streams.scenarios import interrupted, overtaken

STEPS = ("begin_transaction", "send_batch", "commit_transaction")
"""Calls of a transaction to its producer."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_task_that_is_closed_around_a_step_of_its_transaction_leaves_no_half_state(harness: Harness, step: str, after: bool) -> None:  # noqa: FBT001 (a parameter)
    await interrupted(harness, step, after=after)


async def test_a_former_owner_that_works_until_it_is_fenced_is_not_repeated(harness: Harness) -> None:
    await overtaken(harness)
