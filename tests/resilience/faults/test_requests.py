"""Requests lost or delayed between a worker and its broker leave no trace in the log: each command has one first result."""

import asyncio

import pytest

from tests.support.faults.commands import Commands
from tests.support.faults.faults import Fault, HalfOpen, Kind, Late, LateAnswer, LateRequest, LostAnswer, LostRequest
from tests.support.faults.proxy import Proxy
from tests.support.workers.environment import Environment, Results

STARTING = (Kind.JOIN_GROUP, Kind.INIT_PRODUCER_ID)
"""Requests of a worker that has not processed anything yet."""

RUNNING = (Kind.PRODUCE, Kind.ADD_PARTITIONS_TO_TXN, Kind.END_TXN)

AHEAD = 200

STRUCK_S = 120


@pytest.mark.timeout(600)
@pytest.mark.parametrize("befalls", [LostRequest, LostAnswer, LateRequest, LateAnswer, HalfOpen])
async def test_a_worker_goes_on_whatever_befalls_its_requests(behind: Environment, proxy: Proxy, befalls: type[Fault]) -> None:
    commands = Commands(seed=1)
    starting = [proxy.arm(befalls(kind)) for kind in STARTING]
    worker = behind.worker("worker", broker=proxy.bootstrap)

    async with Results(behind.settings) as results, asyncio.TaskGroup() as background:
        flow = background.create_task(behind.flow(commands, results, AHEAD))
        for fault in starting:
            await _endured(fault, results)
        for kind in RUNNING:
            await _endured(proxy.arm(befalls(kind)), results)
        commands.over.set()
        await flow
        assert await commands.findings(behind, results) == []

    assert (worker.ended, worker.starts) == (False, 1)


@pytest.mark.timeout(600)
async def test_a_worker_goes_on_when_all_its_connections_are_half_open(behind: Environment, proxy: Proxy) -> None:
    commands = Commands(seed=1)
    worker = behind.worker("worker", broker=proxy.bootstrap)

    async with Results(behind.settings) as results, asyncio.TaskGroup() as background:
        flow = background.create_task(behind.flow(commands, results, AHEAD))
        await results.number(2 * AHEAD)
        proxy.freeze()
        await _goes_on(results)
        commands.over.set()
        await flow
        assert await commands.findings(behind, results) == []

    assert (worker.ended, worker.starts) == (False, 1)


async def _endured(fault: Fault, results: Results) -> None:
    """Wait until the fault has struck. Later commands must be answered, before and after a delayed message arrives."""
    await asyncio.wait_for(fault.struck.wait(), STRUCK_S)
    await _goes_on(results)
    if isinstance(fault, Late):
        fault.deliver.set()
        await _goes_on(results)


async def _goes_on(results: Results) -> None:
    """Wait until commands are answered that were not sent yet."""
    await results.number(len(results.all) + 2 * AHEAD)
