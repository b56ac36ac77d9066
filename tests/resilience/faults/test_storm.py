"""Short storm of rebalances; `python -m tests.support.faults.storm` does a long one."""

from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.support.faults.storm import rage


@pytest.mark.timeout(900)
async def test_workers_that_join_and_leave_without_a_pause_leave_no_trace_in_the_log(kafka: RunningKafka, tmp_path: Path) -> None:
    outcome = await rage(kafka.bootstrap, tmp_path, seed=1, seconds=30)

    assert outcome.findings == []
