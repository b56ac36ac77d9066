"""Records that the broker has but does not deliver: they are reported until they arrive."""

import asyncio
from collections.abc import Mapping

import pytest
from faust.types import TP

from app.streams.kafka.reader import reading
from app.streams.runtime import log_watch
from app.streams.runtime.log_watch import Unfetched
from tests.support.streams.harness import Harness


async def test_a_topic_that_gives_nothing_is_named_until_it_does(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_watch, "AFTER_S", 0.1)
    commands, end = TP(counted.commands, 0), 3
    fetched: dict[TP, int] = {}

    async def idle() -> Mapping[TP, int]:
        return fetched

    opened, watch = await counted.open(), Unfetched(idle)

    async def trouble_at(*offsets: int) -> str:
        for fetched[commands] in offsets:
            await watch.look(consumer, [opened.task])
            await asyncio.sleep(0.2)
        return opened.task.trouble

    async with reading(counted.settings.bootstrap) as consumer:
        assert not await trouble_at(0, 1, 2), "it moves"
        assert f"{commands.topic} [0] gives nothing from 2 on, although it has records up to {end}" in await trouble_at(2)
        assert not await trouble_at(end, end)
        await trouble_at(2, 2)
        fetched.clear()  # no partition is idle: its records wait for the agent
        await watch.look(consumer, [opened.task])
        assert not opened.task.trouble
    await opened.task.close()
