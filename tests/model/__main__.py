"""Long runs: `python -m tests.model --schedules 1000000 --seed 7`."""

import argparse
import sys

from tests.model.bounds import LARGE
from tests.model.explore import sample
from tests.model.protocol import Kernel


def main() -> int:
    """Explore schedules, and print the outcome. Return 1 if an invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description="Schedules of the kernel's protocol by chance.")
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    explored = sample(Kernel(), LARGE, wanted.schedules, wanted.seed)
    print(f"{explored.schedules} different schedules, seed {wanted.seed}:", explored.violation or "nothing is wrong")  # noqa: T201 (a program)
    return 0 if explored.violation is None else 1


if __name__ == "__main__":
    sys.exit(main())
