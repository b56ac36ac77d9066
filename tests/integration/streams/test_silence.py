"""Coordinator watchdog: a worker whose group is silent exits and names what it waits for. It survives an outage of the broker."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from app.streams.runtime import coordinator_watchdog as silence
from app.streams.runtime.coordinator_watchdog import CoordinatorWatchdog
from tests.conftest import FreePort, RunningKafka
from tests.support.streams.membership_scenarios import Member, member_of
from tests.support.waiting import until

SILENT_S = 0.5


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the reasons with which the worker would have exited. Its timeout is short."""
    said: list[str] = []
    monkeypatch.setattr(silence, "die", said.append)
    monkeypatch.setattr(silence, "SILENT_S", SILENT_S)
    return said


async def watched(member: Member, ends: list[str]) -> None:
    """Watch a member until the worker would exit."""
    watch = CoordinatorWatchdog(member.membership, member.coordinator)
    async with asyncio.timeout(60):
        while not ends:
            await watch.check()
            await asyncio.sleep(0.1)


async def checked(member: Member) -> None:
    """Watch a member for longer than its group may be silent."""
    watch = CoordinatorWatchdog(member.membership, member.coordinator)
    until_s = asyncio.get_running_loop().time() + 3 * SILENT_S
    while asyncio.get_running_loop().time() < until_s:
        await watch.check()
        await asyncio.sleep(0.1)


async def silent(member: Member) -> None:
    """Drop all answers to the member, and wait until it has no lease."""

    async def unanswered(_request: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        await asyncio.Event().wait()

    member.membership._send = unanswered  # noqa: SLF001
    member.coordinator.request_rejoin()
    await until(lambda: not member.membership.settled, within_s=30)


async def outage(free_port: FreePort, tmp_path: Path, watch: Callable[[Member], Awaitable[None]]) -> None:
    """Watch a member whose broker is down."""
    broker = EmbeddedKafka(tmp_path, free_port())
    try:
        await asyncio.to_thread(broker.start)
        async with member_of(broker.bootstrap, "outage") as member:
            await until(lambda: member.membership.settled, within_s=60)
            broker.kill()
            member.membership._lease = None  # noqa: SLF001 (as when its session has run out)
            await watch(member)
    finally:
        broker.stop()


async def test_a_member_that_is_confirmed_goes_on(kafka: RunningKafka, topic: str, ends: list[str]) -> None:
    async with member_of(kafka.bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=60)
        await checked(member)

    assert ends == []


async def test_one_whose_group_is_silent_ends_and_says_what_it_waits_for(kafka: RunningKafka, topic: str, ends: list[str]) -> None:
    async with member_of(kafka.bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=60)
        await silent(member)
        await watched(member, ends)

    assert "unanswered" in ends[0]


@pytest.mark.long
async def test_an_outage_ends_nobody(free_port: FreePort, tmp_path: Path, ends: list[str]) -> None:
    await outage(free_port, tmp_path, checked)

    assert ends == []


@pytest.mark.long
@pytest.mark.control
async def test_without_asking_the_broker_an_outage_would_end_the_worker(
    free_port: FreePort, tmp_path: Path, ends: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answered(_silence: CoordinatorWatchdog) -> bool:
        return True

    monkeypatch.setattr(CoordinatorWatchdog, "_answered", answered)
    await outage(free_port, tmp_path, lambda member: watched(member, ends))

    assert ends != []
