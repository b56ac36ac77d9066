"""A steady load in a process of its own, so that it does not share an interpreter with who measures: an open loop.

usage: python -m bench.load BOOTSTRAP TOPIC PER_SECOND SECONDS [shop]

Each command is due at its time whatever becomes of those before it; when it was due is in its key (nanoseconds since 1970, a hyphen).
With `shop` the orders are of products and customers that `bench.shop` registered.
In the end it prints how many were written more than 20 ms late: then it was the load that could not keep up.
"""

import sys
import time

from confluent_kafka import Producer

from bench.command import place_as
from bench.place import client, produce
from bench.shop import order_as

LATE_NS = 20_000_000


MADE = {"alone": place_as, "shop": order_as}
"""What is ordered: products and customers that nobody registered, or those of the shop."""


def main(bootstrap: str, topic: str, per_second: int, seconds: int, made: str = "alone") -> int:
    """Write the load; how many commands were late."""
    producer = Producer({**client(bootstrap), "partitioner": "murmur2_random", "linger.ms": 0})
    began_ns, late = time.time_ns(), 0
    for number in range(per_second * seconds):
        due_ns = began_ns + number * 1_000_000_000 // per_second
        late += _wait(producer, due_ns) > LATE_NS
        produce(producer, topic, *MADE[made](f"{due_ns}-{number:016d}", number))
    producer.flush()
    return late


def due_ns_of(key: bytes) -> int:
    """When the command of this key was due."""
    return int(key.partition(b"-")[0])


def _wait(producer: Producer, due_ns: int) -> int:
    """Wait until a command is due; how late it is then (nanoseconds)."""
    while (late_ns := time.time_ns() - due_ns) < 0:
        producer.poll(0)
        time.sleep(min(-late_ns / 1e9, 0.001))
    return late_ns


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
