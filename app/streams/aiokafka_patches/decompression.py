"""Decompression of batches within a bound. A batch that is small on the wire can be ten thousand times as large in memory.

The buffer grows with what is found in the batch, so a batch that is too large is abandoned on the way, and is never in memory as a whole.
"""

import gzip
from collections.abc import Callable
from io import BytesIO
from struct import unpack_from
from typing import Any

import cramjam

from app.errors import FoldstreamError

BATCH_BYTES = 64 << 20
"""Most bytes that one batch may decompress to. Brokers accept batches of 1 MiB of commands, which decompress to a few MiB as a rule."""

ROOMS = tuple(min(BATCH_BYTES, (64 << 10) << shift) for shift in (0, 4, 8, 12))
"""Buffer size of each attempt (bytes)."""

XERIAL = b"\x82SNAPPY\0"
XERIAL_HEADER_BYTES = 16


class TooLargeUnpacked(FoldstreamError):  # noqa: N818 (what it is)
    """Error when a batch decompresses to more than the bound."""

    def __init__(self) -> None:
        super().__init__(f"it unpacks to more than {BATCH_BYTES >> 20} MiB")


def gunzip(packed: bytes) -> bytes:
    """Decompress gzip."""
    with gzip.GzipFile(fileobj=BytesIO(packed)) as stream:
        unpacked = stream.read(BATCH_BYTES + 1)
    if len(unpacked) > BATCH_BYTES:
        raise TooLargeUnpacked
    return unpacked


def unsnap(packed: bytes) -> bytes:
    """Decompress snappy: in blocks, as Java's clients write it, or raw."""
    packed = bytes(packed)
    if not packed.startswith(XERIAL):
        return _block(packed, BATCH_BYTES)
    unpacked, at = bytearray(), XERIAL_HEADER_BYTES
    while at < len(packed):
        [size] = unpack_from("!I", packed, at)
        unpacked += _block(packed[at + 4 : at + 4 + size], BATCH_BYTES - len(unpacked))
        at += 4 + size
    return bytes(unpacked)


def _block(packed: bytes, room: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(packed) > room:
        raise TooLargeUnpacked
    return bytes(cramjam.snappy.decompress_raw(packed))


def unpack_lz4(packed: bytes) -> bytes:
    """Decompress frames of lz4."""
    return _grow(cramjam.lz4.decompress_into, packed)


def unpack_zstd(packed: bytes) -> bytes:
    """Decompress zstd."""
    return _grow(cramjam.zstd.decompress_into, packed)


def _grow(decompress_into: Callable[[bytes, bytearray], int], packed: bytes) -> bytes:
    packed = bytes(packed)
    for room in ROOMS:
        unpacked = bytearray(room)
        try:
            return bytes(memoryview(unpacked)[: decompress_into(packed, unpacked)])
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):  # cramjam says so when the buffer is too small
                raise
    raise TooLargeUnpacked


def install(module: Any) -> None:  # noqa: ANN401 (a module of aiokafka's)
    """Replace the functions with which a module of aiokafka decompresses."""
    module.gzip_decode = gunzip
    module.snappy_decode = unsnap
    module.lz4_decode = unpack_lz4
    module.zstd_decode = unpack_zstd
