"""Partitioner: keys go to the partition to which every other Kafka client sends them."""

import pytest
from aiokafka.partitioner import murmur2 as other_murmur2
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.streams.kafka.partitioner import FEW, murmur2, partition_of, partitions_of

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""Hashes from Kafka's own UtilsTest."""


@pytest.mark.parametrize(("key", "hashed"), JAVA.items())
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFFFFFF


@for_all(st.binary(max_size=200))
def test_the_hash_is_that_of_aiokafka(key: bytes) -> None:
    assert murmur2(key) == other_murmur2(key) & 0xFFFFFFFF


def test_a_key_of_one_partition_goes_there() -> None:
    assert partition_of(b"o-1", 1) == 0


@for_all(st.integers(0, 40).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=FEW + 1)), st.lists(st.binary(max_size=40)))
def test_many_keys_at_once_go_where_each_goes_alone(alike: list[bytes], others: list[bytes]) -> None:
    keys = [*alike, *others]

    assert partitions_of(keys, 7) == [partition_of(key, 7) for key in keys]
