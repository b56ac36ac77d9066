"""A worker whose orders nobody follows: no saga takes them further than whoever sends the commands does.

usage: python -m bench.alone
"""

import sys

from agents.order import answer
from app.worker import run_worker

__all__ = ["run_worker"]

answer.followers.clear()

if __name__ == "__main__":
    sys.exit(run_worker(accept_loss=False))
