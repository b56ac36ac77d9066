"""Worker without reactions to orders: no saga or policy sends further commands, so only those of the bench count.

usage: python -m bench.alone
"""

import sys

from agents.order import answer
from app.worker import run_worker

__all__ = ["run_worker"]

answer.followers.clear()

if __name__ == "__main__":
    sys.exit(run_worker(accept_loss=False))
