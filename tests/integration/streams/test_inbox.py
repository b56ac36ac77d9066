"""Inbox of a saga: a record of an unknown type is parked and does not block later ones."""

import pytest
from aiokafka import ConsumerRecord

from app.streams.parking import record as parked
from app.streams.parking.record import Park
from tests.conftest import RunningKafka
from tests.support.streams.harness import Counting, Harness


class Choosy(Counting):
    """Aggregate that counts any value except `typo`."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Park a typo, count anything else."""
        if record.value == b"typo":
            reason = "unknown-type"
            raise Park(reason, "no such command")
        super().__call__(record)


class InboxHarness(Harness):
    """Task whose input is the inbox of a saga."""

    aggregate = Choosy


@pytest.fixture
async def inbox(kafka: RunningKafka, tmp_path_factory: pytest.TempPathFactory) -> InboxHarness:
    """Return topics and a directory."""
    inbox = InboxHarness(kafka.bootstrap, tmp_path_factory.mktemp("inbox"))
    inbox.commands = inbox.settings.topic(f"saga.{Choosy.agent}")
    await inbox.create_topics()
    return inbox


async def test_what_follows_a_typo_is_heard(inbox: InboxHarness) -> None:
    opened = await inbox.open()
    await inbox.send(("a", b"typo"), ("a", b""))

    await opened.pump()

    assert await inbox.order("a") == [1]
    assert opened.task._intake.open == {(inbox.commands, "unknown-type"): 1}  # noqa: SLF001 (the test looks inside)
    await opened.discard(0, "a typo")
    await opened.task.close()


async def test_what_waits_behind_a_typo_since_the_version_before_is_heard_when_the_task_opens(inbox: InboxHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(parked, "is_inbox", lambda *_: False)
        opened = await inbox.open()
        await inbox.send(("a", b"typo"), ("a", b""))
        await opened.pump()
        await opened.task.close()

    opened = await inbox.open()
    await opened.idle()

    assert await inbox.order("a") == [1]
    assert opened.task._intake.blocked == set()  # noqa: SLF001 (the test looks inside)
    await opened.task.close()


@pytest.mark.control
async def test_what_follows_a_typo_waits_where_every_unknown_type_blocks(inbox: InboxHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parked, "is_inbox", lambda *_: False)
    opened = await inbox.open()
    await inbox.send(("a", b"typo"), ("a", b""))

    await opened.pump()

    assert await inbox.order("a") == []
    await opened.task.close()
