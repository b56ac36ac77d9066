"""Which partition a key belongs to: murmur2, as every Java client computes it (contract, section 1)."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=100_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` among `partitions`; the cache spares a pure-Python hash per record of a busy aggregate."""
    positive: int = murmur2(key) & 0x7FFFFFFF
    return positive % partitions
