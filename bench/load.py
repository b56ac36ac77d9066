"""Steady load (an open loop) in a process of its own, so that it does not share an interpreter with the measurement.

usage: python -m bench.load BOOTSTRAP TOPIC PER_SECOND SECONDS [shop]

Each command is due at its time, whatever happens to those before it. Its key begins with that time (nanoseconds since 1970) and a hyphen.
With `shop` the orders name products and customers that `bench.shop` registered.
At the end it prints how many commands were written more than 20 ms late. If any were, the load could not keep up.
"""

import sys
import time

from confluent_kafka import Producer

from bench.command import place_as
from bench.place import client, produce
from bench.shop import order_as

LATE_NS = 20_000_000


MADE = {"alone": place_as, "shop": order_as}
"""Functions that create the commands: with unregistered products and customers, or with those of the shop."""


def main(bootstrap: str, topic: str, per_second: int, seconds: int, made: str = "alone") -> int:
    """Write the load and return how many commands were late."""
    producer = Producer({**client(bootstrap), "partitioner": "murmur2_random", "linger.ms": 0})
    began_ns, late = time.time_ns(), 0
    for number in range(per_second * seconds):
        due_ns = began_ns + number * 1_000_000_000 // per_second
        late += _wait(producer, due_ns) > LATE_NS
        produce(producer, topic, *MADE[made](f"{due_ns}-{number:016d}", number))
    producer.flush()
    return late


def due_ns_of(key: bytes) -> int:
    """Return when the command with this key was due (nanoseconds since 1970)."""
    return int(key.partition(b"-")[0])


def _wait(producer: Producer, due_ns: int) -> int:
    """Wait until a command is due, and return how late it is then (nanoseconds)."""
    while (late_ns := time.time_ns() - due_ns) < 0:
        producer.poll(0)
        time.sleep(min(-late_ns / 1e9, 0.001))
    return late_ns


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
