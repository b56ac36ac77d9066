"""Transaction whose end was not answered: only the log can tell whether it is committed."""

import pytest

from app.streams.errors import UnknownOutcome
from app.streams.kafka.transactions import OutgoingRecord, Transaction, producer
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from tests.support.faults.faults import Fault, Kind, LostAnswer, LostRequest
from tests.support.faults.proxy import Proxy
from tests.support.streams.harness import Harness


@pytest.mark.parametrize("befalls", [LostRequest, LostAnswer])
async def test_what_an_unanswered_end_has_committed_is_not_done_again_and_what_it_has_not_is_done(harness: Harness, proxy: Proxy, befalls: type[Fault]) -> None:
    await unanswered(harness, proxy, befalls(Kind.END_TXN))


@pytest.mark.control
async def test_an_unanswered_end_that_is_taken_for_an_abort_doubles_its_transaction(harness: Harness, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, committed, written = TransactionalUnitOfWork.pack, TransactionalUnitOfWork.commit, list[OutgoingRecord]()

    def pack(self: TransactionalUnitOfWork) -> None:
        written.extend(self.outgoing)
        packed(self)

    async def commit(self: TransactionalUnitOfWork) -> None:
        try:
            await committed(self)
        except UnknownOutcome:
            await self._producer.stop()
            self._producer = producer(harness.settings.bootstrap, f"{harness.settings.app_id}-0")
            await self._producer.start()
            self._transaction, self.outgoing = Transaction(self._producer, self._partitions), list(written)
            await committed(self)
            await self._producer.stop()

    monkeypatch.setattr(TransactionalUnitOfWork, "pack", pack)
    monkeypatch.setattr(TransactionalUnitOfWork, "commit", commit)

    with pytest.raises(AssertionError, match=r"\{'a': \[1, 2, 1, 2\]"):
        await unanswered(harness, proxy, LostAnswer(Kind.END_TXN))


async def unanswered(harness: Harness, proxy: Proxy, fault: Fault) -> None:
    """Process a transaction whose outcome the task does not learn. The task continues."""
    opened = await harness.open()
    try:
        await harness.send(("a", b""), ("a", b""))
        proxy.arm(fault)
        await opened.pump()
        assert fault.struck.is_set()

        await harness.expect_counts(a=2)
        assert opened.rows() == {"a": 2}
    finally:
        await opened.task.close()
