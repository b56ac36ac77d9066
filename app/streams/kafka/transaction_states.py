"""Queries about transactions (KIP-664). A coordinator knows the last transaction of an id, the leader of a partition those that are open there."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NoError, NotCoordinatorForGroupError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

COMMITTED = {"PrepareCommit", "CompleteCommit"}
ABORTED = {"PrepareAbort", "CompleteAbort", "PrepareEpochFence", "Ongoing"}
"""States of a transaction in the coordinator's words. A fence aborts a transaction that is `Ongoing`."""

LOADED_S = 10.0
"""Time limit for a coordinator to load its state (seconds)."""

_PAUSE_S = 0.02

_LOADING = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)

_UNKNOWN_ID = 105
"""Kafka's code for a transactional id that has never been used."""

_TEXT = CompactString("utf-8")


class _StatesResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 65
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "states",
            CompactArray(
                ("error_code", Int16),
                ("transactional_id", _TEXT),
                ("state", _TEXT),
                ("timeout_ms", Int32),
                ("start_ms", Int64),
                ("producer_id", Int64),
                ("producer_epoch", Int16),
                ("topics", CompactArray(("topic", _TEXT), ("partitions", CompactArray(Int32)), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _StatesRequestV0(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 65
    API_VERSION = 0
    RESPONSE_TYPE = _StatesResponse
    SCHEMA = Schema(("transactional_ids", CompactArray(_TEXT)), ("tags", TaggedFields))


class _DescribeTransactions(Request[_StatesRequestV0]):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 65

    def __init__(self, transactional_id: str) -> None:
        self._id = transactional_id

    def build(self, request_struct_class: type[_StatesRequestV0]) -> _StatesRequestV0:
        return request_struct_class([self._id], {})


class _ProducersResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 61
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("error_message", _TEXT),
                        (
                            "producers",
                            CompactArray(
                                ("producer_id", Int64),
                                ("producer_epoch", Int32),
                                ("last_sequence", Int32),
                                ("last_ms", Int64),
                                ("coordinator_epoch", Int32),
                                ("start", Int64),
                                ("tags", TaggedFields),
                            ),
                        ),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _ProducersRequestV0(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 61
    API_VERSION = 0
    RESPONSE_TYPE = _ProducersResponse
    SCHEMA = Schema(("topics", CompactArray(("name", _TEXT), ("partitions", CompactArray(Int32)), ("tags", TaggedFields))), ("tags", TaggedFields))


class _DescribeProducers(Request[_ProducersRequestV0]):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 61

    def __init__(self, partitions: Iterable[TopicPartition]) -> None:
        self._topics: list[tuple[str, list[int], dict[int, bytes]]] = [(topic, [partition], {}) for topic, partition in partitions]

    def build(self, request_struct_class: type[_ProducersRequestV0]) -> _ProducersRequestV0:
        return request_struct_class(self._topics, {})


async def last_state(client: AIOKafkaClient, transactional_id: str) -> str:
    """Return the state of the id's last transaction, in the coordinator's words; empty when it had none."""
    late_s = asyncio.get_running_loop().time() + LOADED_S
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
            [(code, _, state, *_)] = (await client.send(node, _DescribeTransactions(transactional_id))).states
            if code in {0, _UNKNOWN_ID}:
                return str(state)
            raise for_code(code)
        except _LOADING:
            if asyncio.get_running_loop().time() > late_s:
                raise
            await asyncio.sleep(_PAUSE_S)


async def open_from(client: AIOKafkaClient, partitions: Iterable[TopicPartition], producer_id: int) -> dict[TopicPartition, int]:
    """Return the partitions in which the leaders know an open transaction of this producer, each with its first offset."""
    by_leader = defaultdict(list)
    for where in partitions:
        by_leader[client.cluster.leader_for_partition(where)].append(where)
    found: dict[TopicPartition, int] = {}
    for node, there in by_leader.items():
        answer = await client.send(node, _DescribeProducers(there))
        for topic, answers, _ in answer.topics:
            for partition, code, _, producers, _ in answers:
                if for_code(code) is not NoError:
                    raise for_code(code)
                found.update({TopicPartition(topic, partition): start for start in _starts(producers, producer_id)})
    return found


def _starts(producers: Iterable[Sequence[Any]], producer_id: int) -> Iterable[int]:
    return (start for known, _, _, _, _, start, _ in producers if known == producer_id and start >= 0)
