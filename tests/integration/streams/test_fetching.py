"""Decompression of fetched batches, within bounds. A batch that cannot be read is named, and all records before it are delivered."""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import cramjam
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, codec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from app.streams.aiokafka_patches import decompression as unpacking
from app.streams.aiokafka_patches.decompression import BATCH_BYTES, TooLargeUnpacked
from app.streams.aiokafka_patches.fetcher import _PartitionRecords, _Records
from app.streams.aiokafka_patches.header_names import LenientBatch, _Name, read, stored
from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import reading
from tests.support.streams.harness import Harness

AS_AIOKAFKA_UNPACKS = _PartitionRecords.__base__._unpack_records  # noqa: SLF001 (what it replaces)
WHERE = TopicPartition("t", 0)
NO_UTF_8 = "c\udcc3("
"""Header name with the bytes 63 c3 28, as Python decodes it."""
BOMB = bytes(BATCH_BYTES)
"""Record whose batch is a few bytes larger, once unpacked, than a batch may be."""


def batch(base_offset: int, *values: bytes, codec_number: int = 0, name: str = "h") -> bytes:
    """Return a batch as a broker sends it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec_number, 0, -1, -1, 0, 1 << 30)
    for number, value in enumerate(values):
        assert builder.append(number, 1, b"k", value, [(_Name(name), b"v")]) is not None
    return base_offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def unpacked(*batches: bytes, start: int = 0) -> tuple[list[tuple[int, bytes]], UnreadableBatch | None]:
    """Return the offsets and values of the readable records, and the error of the unreadable batch, if any."""
    found: list[tuple[int, bytes]] = []
    try:
        found += ((record.offset, record.value) for record in _records(batches, start))
    except UnreadableBatch as error:
        return found, error
    return found, None


def _records(batches: Sequence[bytes], start: int) -> Iterator[Any]:
    return iter(_PartitionRecords(WHERE, _Records(b"".join(batches)), [], start, None, None, True, fetcher.READ_COMMITTED))  # noqa: FBT003 (aiokafka's own signature)


@pytest.mark.parametrize("codec_number", range(5))
def test_names_of_headers_that_are_no_utf_8_are_read_and_written_as_they_came(codec_number: int) -> None:
    [before, strange] = _records([batch(0, b"a"), batch(1, bytes(100), codec_number=codec_number, name=NO_UTF_8)], 0)

    assert (before.headers, strange.headers) == ((("h", b"v"),), ((NO_UTF_8, b"v"),))
    assert strange.value == bytes(100)


@given(
    st.text(st.characters(exclude_categories=[])).map(lambda text: text.encode(errors="replace").decode())
    | st.binary().map(lambda raw: raw.decode(errors="surrogateescape"))
)
def test_rows_can_have_every_name_and_give_it_back(name: str) -> None:
    stored(name).encode()

    assert read(stored(name)) == name


@given(st.integers(0, 4), st.data())
def test_whatever_bit_is_wrong_what_lies_before_it_is_read_and_what_cannot_be_is_named(codec_number: int, data: st.DataObject) -> None:
    first, second, third = (batch(at, b"x" * 50, b"y" * 50, codec_number=codec_number) for at in (0, 2, 4))
    bit = data.draw(st.integers(8 * 17, 8 * len(second) - 1))  # from the checksum on; the broker sets what comes before it
    damaged = bytearray(second)
    damaged[bit // 8] ^= 1 << bit % 8

    found, error = unpacked(first, bytes(damaged), third)

    assert found == [(0, b"x" * 50), (1, b"y" * 50)]
    assert error is not None
    assert (error.where, error.first) == (WHERE, 2)
    assert "t [0] 2" in str(error)


@given(st.binary(max_size=300), st.integers(0, 7))
def test_whatever_a_batch_has_in_it_reading_ends(content: bytes, codec_number: int) -> None:
    head = bytearray(batch(2, b"x"))[:61]
    head[8:12] = (len(head) - 12 + len(content)).to_bytes(4, "big")
    head[22] = codec_number
    head[17:21] = calc_crc32c(bytes(head[21:]) + content).to_bytes(4, "big")

    found, error = unpacked(batch(0, b"a", b"b"), bytes(head) + content)

    assert found[:2] == [(0, b"a"), (1, b"b")]
    assert error is None or error.first >= 2


ENCODERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gzip": (gzip.compress, unpacking.gunzip),
    "snappy": (codec.snappy_encode, unpacking.unsnap),
    "raw snappy": (lambda raw: bytes(cramjam.snappy.compress_raw(raw)), unpacking.unsnap),
    "lz4": (codec.lz4_encode, unpacking.unpack_lz4),
    "zstd": (codec.zstd_encode, unpacking.unpack_zstd),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_may_unpack_to_so_much_and_no_more(name: str) -> None:
    encode, decode = ENCODERS[name]

    assert decode(encode(b"abc")) == b"abc"
    assert len(decode(encode(BOMB))) == BATCH_BYTES
    with pytest.raises(TooLargeUnpacked):
        decode(encode(BOMB + b"!"))


@pytest.mark.parametrize("name", ENCODERS)
@given(st.binary())
def test_what_is_no_packed_batch_is_refused(name: str, content: bytes) -> None:
    """Any other error may be raised, but no more memory may be requested than the limit."""
    with suppress(TooLargeUnpacked, cramjam.DecompressionError, OSError, EOFError, struct.error, zlib.error):
        assert len(ENCODERS[name][1](content)) <= BATCH_BYTES


async def test_records_of_other_partitions_and_before_the_fault_are_handed_out_and_the_fault_is_told_again_and_again(harness: Harness) -> None:
    await harness.create_topics(harness.commands, other := harness.settings.topic("commands.other"))
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap, compression_type="zstd", max_request_size=1 << 30) as producer:
        await producer.send_and_wait(harness.commands, b"before")
        await producer.send_and_wait(harness.commands, BOMB)
        await producer.send_and_wait(harness.commands, b"after")
        await producer.send_and_wait(other, b"elsewhere")
    where, elsewhere = TopicPartition(harness.commands, 0), TopicPartition(other, 0)

    async with reading(harness.settings.bootstrap) as consumer:
        consumer.assign([where, elsewhere])
        for partition in (where, elsewhere):
            consumer.seek(partition, 0)
        values, errors = await _read_on(consumer, faults=3)
        position = await consumer.position(where)
        consumer.seek(where, 2)
        behind, _ = await _read_on(consumer, records=1)

    assert sorted(values) == [b"before", b"elsewhere"]
    assert {(error.where, error.first, error.last) for error in errors} == {(where, 1, 1)}
    assert (position, behind) == (1, [b"after"])


async def _read_on(consumer: AIOKafkaConsumer, records: int = 0, faults: int = 0) -> tuple[list[bytes], list[UnreadableBatch]]:
    values, errors = list[bytes](), list[UnreadableBatch]()
    async with asyncio.timeout(60):
        while len(values) < records or len(errors) < faults:
            try:
                values += [record.value for found in (await consumer.getmany(timeout_ms=100)).values() for record in found]
            except UnreadableBatch as error:
                errors.append(error)
    return values, errors


async def test_what_is_written_with_such_names_is_read_with_them(harness: Harness) -> None:
    await harness.create_topics(harness.commands)
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap) as producer:
        strange = LenientBatch(producer, 1 << 20)
        assert strange.append(timestamp=1, key=b"k", value=b"v", headers=[(NO_UTF_8, b"1"), ("traceparent", None)]) is not None
        strange.close()
        await (await producer.send_batch(strange, harness.commands, partition=0))

    [record] = await harness.records(harness.commands)
    assert record.headers == ((NO_UTF_8, b"1"), ("traceparent", None))


@pytest.mark.control
def test_reading_as_aiokafka_does_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library loses the records before the fault in the same fetch, and names no offset."""
    monkeypatch.setattr(_PartitionRecords, "_unpack_records", AS_AIOKAFKA_UNPACKS)

    with pytest.raises((CorruptRecordException, UnicodeDecodeError)):
        unpacked(batch(0, b"a"), batch(1, b"b", name=NO_UTF_8))
