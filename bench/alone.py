"""Worker without reactions to orders: no saga or policy sends further commands, so only those of the bench count.

usage: python -m bench.alone
"""

import sys

from agents.order import answer
from app import worker


def run_worker(accept_loss: bool, *, fold_again: bool = False) -> int:  # noqa: FBT001 (the worker's own signature)
    """Run a worker in which nothing reacts to the events of orders."""
    answer.followers.clear()
    return worker.run_worker(accept_loss, fold_again=fold_again)


if __name__ == "__main__":
    sys.exit(run_worker(accept_loss=False))
