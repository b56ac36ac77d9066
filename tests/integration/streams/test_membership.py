"""Membership: a member stays in its group, whatever a broker answers that has just started."""

import sys
from types import SimpleNamespace

import pytest

from app.streams.runtime import membership
from tests.conftest import RunningKafka
from tests.support.streams.membership_scenarios import broker_that_loads_its_groups, heartbeat_cancelled_as_it_is_answered


async def test_a_broker_that_still_loads_its_groups_is_asked_again(kafka: RunningKafka, topic: str) -> None:
    await broker_that_loads_its_groups(kafka.bootstrap, topic)


@pytest.mark.control
async def test_aiokafka_would_give_up_until_somebody_fetches(kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "GroupLoadInProgressError", SimpleNamespace(errno=None))

    with pytest.raises(AssertionError, match="GroupLoadInProgressError"):
        await broker_that_loads_its_groups(kafka.bootstrap, topic)


async def test_a_heartbeat_that_is_answered_as_it_is_to_end_ends(kafka: RunningKafka, topic: str) -> None:
    await heartbeat_cancelled_as_it_is_answered(kafka.bootstrap, topic)


@pytest.mark.long
@pytest.mark.control
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="asyncio.wait_for loses no cancellation any more")
async def test_asyncio_would_lose_the_cancellation_and_the_member_never_join_again(kafka: RunningKafka, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "cancelled", lambda: False)

    with pytest.raises((TimeoutError, AssertionError)):
        await heartbeat_cancelled_as_it_is_answered(kafka.bootstrap, topic, within_s=15)
