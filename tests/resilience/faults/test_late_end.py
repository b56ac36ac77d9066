"""Late EndTxn: the delayed end of a transaction does not end a later one (KIP-890)."""

import asyncio
import importlib.util

import pytest
from aiokafka.producer import sender

from tests.support.faults.faults import Kind, LateAnswer, LateRequest
from tests.support.faults.proxy import Proxy
from tests.support.streams.harness import Harness

LARGE = 12
"""Number of large events that do not fit into one Produce: when the first one is answered, the transaction is in the middle."""


async def test_an_end_that_comes_late_does_not_end_the_next_transaction(harness: Harness, proxy: Proxy) -> None:
    await ended_late(harness, proxy)


@pytest.mark.control
async def test_an_end_that_is_sent_again_in_its_epoch_ends_the_next_transaction(harness: Harness, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender.BaseHandler, "do", aiokafkas_own())

    with pytest.raises(AssertionError, match=r"\{'a': \[1, "):  # only the events of the first Produce
        await ended_late(harness, proxy)


async def ended_late(harness: Harness, proxy: Proxy) -> None:
    """Delay the EndTxn of one transaction, and lose its connection. The broker gets it in the middle of another transaction."""
    opened = await harness.open()
    try:
        await harness.send(("a", b""))
        end = proxy.arm(LateRequest(Kind.END_TXN))
        await opened.pump()
        assert end.struck.is_set()

        await harness.send(*[("a", b"big 300000")] * LARGE)
        middle = proxy.arm(LateAnswer(Kind.PRODUCE))
        going_on = asyncio.create_task(opened.pump())
        await asyncio.wait_for(middle.struck.wait(), 60)
        end.deliver.set()
        await asyncio.wait_for(end.answered.wait(), 60)
        middle.deliver.set()
        await going_on

        await harness.expect_counts(a=1 + LARGE)
        assert opened.rows() == {"a": 1 + LARGE}
    finally:
        await opened.task.close()


def aiokafkas_own() -> object:
    """Return the original request loop of aiokafka's sender, from a second copy of the module, because the runtime has patched the first."""
    spec = importlib.util.find_spec(sender.__name__)
    assert spec is not None
    assert spec.loader is not None
    as_it_comes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(as_it_comes)
    return as_it_comes.BaseHandler.do
