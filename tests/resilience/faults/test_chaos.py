"""Short run of chaos; `make chaos` does a long one."""

from pathlib import Path

import pytest

from tests.support.faults.chaos import Plan, make
from tests.support.faults.steps import Step

SHORT = {
    Step.KILL: 1,
    Step.END: 1,
    Step.PAUSE: 1,
    Step.RESTART: 1,
    Step.CUT: 1,
    Step.REQUESTS: 1,
    Step.RETENTION: 1,
    Step.CLOCK: 1,
    Step.TRANSACTION: 1,
    Step.GARBAGE: 1,
    Step.IMPOSTOR: 1,
}


@pytest.mark.timeout(900)
async def test_chaos_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    outcome = await make(Plan(seed=1, commands=4_000, dose=SHORT), tmp_path)

    assert outcome.findings == []
    assert outcome.damage.done == SHORT
    assert [why for why in outcome.own_exits if "no Kafka answers" not in why] == []


@pytest.mark.timeout(900)
@pytest.mark.control
async def test_chaos_finds_a_worker_whose_position_is_not_that_of_its_transaction(tmp_path: Path) -> None:
    outcome = await make(Plan(seed=1, commands=6_000, dose={Step.KILL: 3}, program=("-m", "tests.support.workers.lagging")), tmp_path)

    assert any("commands were answered" in finding for finding in outcome.findings), outcome.findings
