"""A member stays one, whatever the broker answers when it has just started."""

from types import SimpleNamespace

import pytest

from app.kernel import membership
from tests.conftest import RunningKafka
from tests.kernel.membership_scenarios import broker_that_loads_its_groups


async def test_a_broker_that_still_loads_its_groups_is_asked_again(kafka: RunningKafka, topic: str) -> None:
    await broker_that_loads_its_groups(kafka.bootstrap, topic)


@pytest.mark.control
async def test_aiokafka_would_give_up_until_somebody_fetches(kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "GroupLoadInProgressError", SimpleNamespace(errno=None))

    with pytest.raises(AssertionError, match="GroupLoadInProgressError"):
        await broker_that_loads_its_groups(kafka.bootstrap, topic)
