"""A short run of chaos; `make chaos` makes a long one."""

from pathlib import Path

import pytest

from tests.faults.chaos import Plan, make
from tests.faults.steps import Step

SHORT = {Step.KILL: 2, Step.PAUSE: 1, Step.RESTART: 1, Step.CUT: 1, Step.REQUESTS: 2}


@pytest.mark.timeout(900)
async def test_chaos_leaves_no_trace_in_the_log(tmp_path: Path) -> None:
    outcome = await make(Plan(seed=1, commands=4_000, dose=SHORT), tmp_path)

    assert outcome.findings == []
    assert outcome.damage.done == SHORT
