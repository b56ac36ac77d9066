"""Records that no well-behaved client would send, and a sender for them: one batch each, straight to the broker."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

GZIP, PLAIN = 1, 0
CRC_AT, CHECKED_FROM = 17, 21
"""Positions of the checksum in a batch of version 2, and of the first byte that it covers."""

UNPACKED_BYTES = 3 << 20
"""Size that is too large for a record on `parked`, though it is a few kilobytes as sent."""

NAME = b"not-utf-8"
BROKEN_NAME = b"not-\xc3\x28-utf"
"""Two names of one length, so that one can replace the other in a built batch."""

ANSWERED_WITHIN_MS = 5_000


class Garbage(NamedTuple):
    """One record; a `key` of None is a null key."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    codec: int = PLAIN
    header: tuple[bytes, bytes] | None = None


def garbage(luck: random.Random) -> Iterator[Garbage]:
    """Yield endless records, with keys that no other client uses."""
    number = 0
    while True:
        number += 1
        yield from _of_each_kind(luck, f"garbage-{number}".encode())


def _of_each_kind(luck: random.Random, key: bytes) -> Iterator[Garbage]:
    yield Garbage(key, luck.randbytes(luck.randrange(200)))
    yield Garbage(luck.randbytes(luck.randrange(1, 40)), b"{}")
    yield Garbage(None, luck.choice([None, b"", b"null", b"[]"]))
    yield Garbage(key, None)
    yield Garbage(key, b" " * UNPACKED_BYTES, codec=GZIP)
    yield Garbage(key, b"[" * luck.randrange(1, 100_000), codec=GZIP)
    yield Garbage(key, b'{"commandId": "x"}', timestamp_ms=luck.choice([1, 2**62, 1_700_000_000, 1_700_000_000_000_000]))
    yield Garbage(key, b"{}", header=(BROKEN_NAME, luck.randbytes(8)))
    yield Garbage(key, b'{"commandType": "DoWhatever"}', header=(b"traceparent", luck.randbytes(30)))


def batch(record: Garbage) -> bytes:
    """Return the record as a batch with a valid checksum, whatever its content."""
    builder = DefaultRecordBatchBuilder(2, record.codec, 0, -1, -1, -1, 8 << 20)
    headers = [] if record.header is None else [(_placeholder(record.header[0]), record.header[1])]
    builder.append(0, timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=headers)
    built = bytearray(builder.build())
    if record.header is not None:
        built = built.replace(NAME, BROKEN_NAME)
        built[CRC_AT : CRC_AT + 4] = calc_crc32c(bytes(built[CHECKED_FROM:])).to_bytes(4)
    return bytes(built)


def _placeholder(name: bytes) -> str:
    """Return a header name that the builder accepts."""
    return (NAME if name == BROKEN_NAME else name).decode()


async def send(client: AIOKafkaClient, where: TopicPartition, record: Garbage) -> int:
    """Write the record. Return the broker's error code, 0 if it has none."""
    leader = client.cluster.leader_for_partition(where)
    answer = await client.send(leader, ProduceRequest(None, -1, ANSWERED_WITHIN_MS, [(where.topic, [(where.partition, batch(record))])]))
    [(_, [(_, code, *_)])] = answer.topics
    return int(code)
