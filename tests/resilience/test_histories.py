"""Random histories of shops under random disturbances: `foldstream verify` never finds anything wrong."""

from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.support.histories.era import Plan, lived

FEW, MANY, ERAS = 6, 25, 8
"""Numbers of histories in an era, and of eras."""


@pytest.mark.timeout(600)
async def test_verify_finds_nothing_wrong_in_a_few_random_histories(kafka: RunningKafka, tmp_path: Path) -> None:
    assert (await lived(kafka.bootstrap, tmp_path, Plan(1, FEW, rounds=1))).found == []


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(1, 1 + ERAS))
async def test_verify_finds_nothing_wrong_in_two_hundred_random_histories(kafka: RunningKafka, tmp_path: Path, seed: int) -> None:
    assert (await lived(kafka.bootstrap, tmp_path, Plan(seed, MANY))).found == []


@pytest.mark.slow
@pytest.mark.control
@pytest.mark.timeout(600)
async def test_a_worker_that_decides_repeated_commands_again_is_found(kafka: RunningKafka, tmp_path: Path) -> None:
    assert (await lived(kafka.bootstrap, tmp_path, Plan(1, FEW, 1, ("-m", "tests.support.histories.forgetful")))).found != []
