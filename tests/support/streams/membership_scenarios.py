"""What it means that a member does not disturb its group, acted out by two real consumers."""

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
    """A consumer, and what is known of its membership."""

    consumer: AIOKafkaConsumer
    membership: Membership

    @property
    def coordinator(self) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Its side of the group's protocol."""
        return self.consumer._coordinator  # noqa: SLF001 (aiokafka shows no coordinator)

    @property
    def given_up_for(self) -> str:
        """The error for which aiokafka does nothing more until somebody fetches; empty when there is none."""
        pending = self.coordinator._pending_exception  # noqa: SLF001 (as above)
        return repr(pending) if pending else ""


async def committed_while_joining(bootstrap: str, topic: str) -> None:
    """A second member comes; while the first one joins again it is asked to commit. Both own partitions in the generation that follows, which stays."""
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
    """A broker that has just started answers a heartbeat that it still loads what it knows of the group: the member stays one, in its generation."""
    async with member_of(bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=30)
        generation, answered = member.coordinator.generation, _answer_once(member, GroupLoadInProgressError.errno)
        await until(lambda: len(answered) > 2 or bool(member.given_up_for), within_s=30)

        assert not member.given_up_for
        assert (member.coordinator.generation, member.membership.settled) == (generation, True)


async def heartbeat_cancelled_as_it_is_answered(bootstrap: str, topic: str, within_s: float = 60) -> None:
    """A member has to join again, and so ends its heartbeat, which is answered at that very moment: it joins."""
    async with member_of(bootstrap, topic) as member:
        await until(lambda: member.membership.settled, within_s=30)
        generation = member.coordinator.generation
        _answer_as_it_ends(member)
        await until(lambda: member.coordinator.generation > generation and member.membership.settled, within_s)


def _answer_as_it_ends(member: Member) -> None:
    """The next heartbeat waits for its answer until aiokafka, which is asked to join again, cancels it: both come in one turn of the loop."""
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
    """The next heartbeat is answered with an error; the codes of all answers from now on."""
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
    """Behind each JoinGroup that is sent from now on an attempt to commit follows, on the same connection."""
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
    """The topic's name is the group's, too."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False, auto_offset_reset="latest", heartbeat_interval_ms=300)
    await consumer.start()
    try:
        member = Member(consumer, Membership(consumer._coordinator, Settings()))  # noqa: SLF001
        consumer.subscribe([topic])
        yield member
    finally:
        await stop_reading(consumer)
