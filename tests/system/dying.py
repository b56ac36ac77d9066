"""A worker that dies, as if it had been killed, when sagas have come to their n-th decision: before the transaction that has it, or right after.

usage: python -m tests.system.dying NUMBER before|after
"""

import os
import signal
import sys
from itertools import count
from typing import Any

from agents._conductor import Conductor
from app.kernel.unit import UnitOfWork
from app.main import run_worker


def arm(number: int, *, after: bool) -> None:
    """From now on the transaction of that decision is the last thing that this process does, or does not do any more."""
    decisions, due, follow, commit = count(1), [False], Conductor.follow, UnitOfWork.commit

    def counted(conductor: Conductor, followed: Any) -> None:  # noqa: ANN401 (handed on)
        follow(conductor, followed)
        due[0] |= next(decisions) == number

    async def last(unit: UnitOfWork) -> None:
        if due[0] and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(unit)
        if due[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    Conductor.follow = counted  # type: ignore[assignment,method-assign]
    UnitOfWork.commit = last  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    arm(int(sys.argv[1]), after=sys.argv[2] == "after")
    sys.exit(run_worker(accept_loss=False))
