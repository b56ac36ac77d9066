"""Keys go where every other client of Kafka sends them."""

import pytest
from aiokafka.partitioner import murmur2 as other_murmur2
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.kernel.routing import murmur2, partition_of

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""Of Kafka's own UtilsTest."""


@pytest.mark.parametrize(("key", "hashed"), JAVA.items())
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFFFFFF


@for_all(st.binary(max_size=200))
def test_the_hash_is_that_of_aiokafka(key: bytes) -> None:
    assert murmur2(key) == other_murmur2(key) & 0xFFFFFFFF


def test_a_key_of_one_partition_goes_there() -> None:
    assert partition_of(b"o-1", 1) == 0
