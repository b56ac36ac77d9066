"""Random histories under `foldstream verify`: `python -m tests.support.histories --eras 40 --shops 25 --seed 1`. Exits with 1 if verify finds something."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from app.embedded_kafka.embedded import EmbeddedKafka
from tests.conftest import find_port
from tests.support.histories.era import Plan, lived


def main() -> int:
    """Run one era after the other, on a broker of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.histories", description="Random legal histories, in which verify must find nothing.")
    parser.add_argument("--eras", type=int, default=8)
    parser.add_argument("--shops", type=int, default=25, help="histories in each era")
    parser.add_argument("--seed", type=int, default=1, help="of the first era; each has the next")
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    directory = Path(tempfile.mkdtemp(prefix="histories-"))
    kafka = EmbeddedKafka(directory / "kafka", find_port())
    kafka.start(print)
    try:
        found = [_era(kafka.bootstrap, directory, seed, asked.shops) for seed in range(asked.seed, asked.seed + asked.eras)]
    finally:
        kafka.stop()
    return int(any(found))


def _era(bootstrap: str, directory: Path, seed: int, shops: int) -> bool:
    own, began_s = directory / str(seed), time.monotonic()
    own.mkdir()
    era = asyncio.run(lived(bootstrap, own, Plan(seed, shops)))
    print(f"seed {seed}: {shops} histories, {era.audits} audits, {time.monotonic() - began_s:.0f} s, {len(era.found)} with findings", flush=True)  # noqa: T201 (a program)
    for found in era.found:
        print(f"  {found.when}", *found.findings[:10], sep="\n    ", flush=True)  # noqa: T201
    return bool(era.found)


if __name__ == "__main__":
    sys.exit(main())
