"""Identity of the cluster and of its topics. Names can be used again, but the ids of Metadata v12 (KIP-516) cannot."""

import uuid
from collections.abc import Iterable, Sequence
from io import BytesIO

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields
from msgspec import Struct

from app.errors import FoldstreamError
from app.streams.errors import Repartitioned


class _Uuid(AbstractType[uuid.UUID]):  # type: ignore[misc]  # aiokafka has no types
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataRequestV12(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataRequestV12]):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(uuid.UUID(int=0), name, {}) for name in topics]

    def build(self, request_struct_class: type[_MetadataRequestV12]) -> _MetadataRequestV12:
        return request_struct_class(self._topics, False, False, {})  # noqa: FBT003 (the protocol's own order of fields)


class ClusterIds(Struct, frozen=True):
    """Id of the cluster, with the id (hex) and the number of partitions of each topic asked for."""

    cluster_id: str
    topic_ids: dict[str, str]
    partitions: dict[str, int]

    def require_partitions(self, partitions: int) -> None:
        """Raise Repartitioned when one of the topics has another number of partitions."""
        wrong = [f"{topic} has {count} partitions" for topic, count in sorted(self.partitions.items()) if count != partitions]
        if wrong:
            others = f" ({len(wrong) - 1} other topics, too)" if wrong[1:] else ""
            raise Repartitioned(
                f"{wrong[0]}{others}, and the log was written with {partitions}: "
                f"partitions that were added cannot be removed. Copy the topics into new ones of {partitions} partitions, under another "
                "FOLDSTREAM_TOPIC_PREFIX; do not raise FOLDSTREAM_PARTITIONS: keys would belong to other partitions, and aggregates would begin again"
            )


async def present(client: AIOKafkaClient, topics: Iterable[str]) -> ClusterIds:
    """Ask any broker for those of `topics` that exist, without creating any. Raises TopicAuthorizationFailedError with the topics that it must not show."""
    answer = await client.send(client.get_random_node(), _MetadataRequest(topics))
    refused = {name for code, name, *_ in answer.topics if code == TopicAuthorizationFailedError.errno}
    if refused:
        raise TopicAuthorizationFailedError(refused)
    there = [topic for topic in answer.topics if topic[0] == 0]
    ids = {name: topic_id.hex for _, name, topic_id, *_ in there}
    return ClusterIds(answer.cluster_id, ids, {name: len(partitions) for _, name, _, _, partitions, *_ in there})


async def describe(client: AIOKafkaClient, topics: Sequence[str]) -> ClusterIds:
    """Ask any broker for `topics`. Raises FoldstreamError, which names those that do not exist."""
    found = await present(client, topics)
    missing = sorted(set(topics) - found.topic_ids.keys())
    if missing:
        message = f"topic {', '.join(missing)} is missing: restore it if it was there before, else run `foldstream topics apply`"
        raise FoldstreamError(message)
    return found
