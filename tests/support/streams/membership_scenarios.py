"""Scenarios in which a member must not disturb its group, with two real consumers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest
from faust.types import TP

from app.settings import Settings
from app.streams.kafka.shutdown import stop_reading
from app.streams.runtime.consumer_thread import commit
from app.streams.runtime.membership import Membership
from tests.support.waiting import until


class Member(NamedTuple):
    """Consumer and its membership."""

    consumer: AIOKafkaConsumer
    membership: Membership

    @property
    def coordinator(self) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Consumer's side of the group protocol."""
        return self.consumer._coordinator  # noqa: SLF001 (aiokafka shows no coordinator)

    @property
    def given_up_for(self) -> str:
        """Error after which aiokafka does nothing more until the consumer fetches; empty if there is none."""
        pending = self.coordinator._pending_exception  # noqa: SLF001 (as above)
        return repr(pending) if pending else ""


async def committed_while_joining(bootstrap: str, topic: str) -> None:
    """Let a second member join while the first one, which joins again, tries to commit.

    Both own partitions in the generation that follows, and that generation lasts.
    """
    async with member_of(bootstrap, topic) as first:
        await until(lambda: bool(first.consumer.assignment()) and first.membership.settled, within_s=30)
        offsets = {TP(topic, partition): 1 for partition in range(2)}
        commits = _commit_at_each_join(first, offsets)
        async with member_of(bootstrap, topic) as second:
            await until(lambda: len(commits) > 1 or bool(commits and first.coordinator.generation == second.coordinator.generation), within_s=30)
            await until(lambda: len(commits) > 1 or (first.membership.settled and second.membership.settled), within_s=30)
            assert len(commits) == 1, f"joined again, {len(commits)} times"
            assert not await commits[0], "a member that joins has nothing to commit"

            [mine] = first.consumer.assignment()
            assert await commit(first.consumer, first.membership, offsets)
            assert await first.consumer.committed(mine) == 1


async def broker_that_loads_its_groups(bootstrap: str, topic: str) -> None:
    """Answer a heartbeat as a broker does that is still loading its groups after a start. The member stays in the group and in its generation."""
    async with member_of(bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=30)
        generation, answered = member.coordinator.generation, _answer_once(member, GroupLoadInProgressError.errno)
        await until(lambda: len(answered) > 2 or bool(member.given_up_for), within_s=30)

        assert not member.given_up_for
        assert (member.coordinator.generation, member.membership.settled) == (generation, True)


async def heartbeat_cancelled_as_it_is_answered(bootstrap: str, topic: str, within_s: float = 60) -> None:
    """Answer a heartbeat at the moment at which the member cancels it in order to join again. The member joins."""
    async with member_of(bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=30)
        generation = member.coordinator.generation
        _answer_as_it_ends(member)
        await until(lambda: member.coordinator.generation > generation and member.membership.settled, within_s)


def _answer_as_it_ends(member: Member) -> None:
    """Delay the next heartbeat's answer until aiokafka, asked to join again, cancels the heartbeat. Both happen in one turn of the event loop."""
    send, end, held = member.membership._send, member.coordinator._stop_heartbeat_task, list["asyncio.Future[Any]"]()  # noqa: SLF001

    async def sent(request: Any) -> Any:  # noqa: ANN401 (aiokafka has no types)
        answer = await send(request)
        if not isinstance(request, HeartbeatRequest) or held:
            return answer
        held.append(asyncio.get_running_loop().create_future())
        member.coordinator.request_rejoin()
        await asyncio.wait_for(held[0], 10)
        return answer

    async def ended() -> None:
        if held and not held[0].done():
            held[0].set_result(None)
        await end()

    member.membership._send, member.coordinator._stop_heartbeat_task = sent, ended  # noqa: SLF001


def _answer_once(member: Member, error_code: int) -> list[int]:
    """Answer the next heartbeat with an error. Return the list of the codes of all answers from now on."""
    send, codes = member.membership._send, list[int]()  # noqa: SLF001

    async def sent(request: Any) -> Any:  # noqa: ANN401 (aiokafka has no types)
        answer = await send(request)
        if isinstance(request, HeartbeatRequest):
            answer.error_code = answer.error_code if codes else error_code
            codes.append(answer.error_code)
        return answer

    member.membership._send = sent  # noqa: SLF001
    return codes


def _commit_at_each_join(member: Member, offsets: dict[TP, int]) -> list["asyncio.Task[bool]"]:
    """Try to commit behind each JoinGroup request from now on, on the same connection. Return the list of attempts."""
    send, commits = member.coordinator._send_req, list["asyncio.Task[bool]"]()  # noqa: SLF001

    async def watched(request: Any) -> Any:  # noqa: ANN401 (aiokafka has no types)
        sending = asyncio.ensure_future(send(request))
        if isinstance(request, JoinGroupRequest):
            await asyncio.sleep(0)
            commits.append(asyncio.create_task(commit(member.consumer, member.membership, offsets)))
        return await sending

    member.coordinator._send_req = watched  # noqa: SLF001
    return commits


@asynccontextmanager
async def member_of(bootstrap: str, topic: str) -> AsyncIterator[Member]:
    """Yield a member of a group with the name of its topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="latest", heartbeat_interval_ms=300)
    await consumer.start()
    try:
        member = Member(consumer, Membership(consumer._coordinator, Settings()))  # noqa: SLF001
        consumer.subscribe([topic])
        yield member
    finally:
        await stop_reading(consumer)
