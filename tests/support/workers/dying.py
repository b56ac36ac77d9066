"""Worker that dies, as if killed, before or right after the transaction that contains all the named things.

usage: python -m tests.support.workers.dying before|after NAME... the number of a decision of sagas, or the id of a command that is answered
"""

import os
import signal
import sys
from collections import defaultdict
from itertools import count
from typing import Any

from app.handlers.outbox import Outbox
from app.handlers.saga_manager import SagaManager
from app.streams.processing.context import current
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.worker import run_worker


def arm(wanted: set[str], *, after: bool) -> None:
    """Kill the process at the commit of the transaction that contains all of these: before it, or after it."""
    had, decisions, commit = defaultdict[Any, set[str]](set), count(1), TransactionalUnitOfWork.commit
    follow, result = SagaManager.follow, Outbox.result

    def followed(conductor: SagaManager, *words: Any) -> None:  # noqa: ANN401 (handed on)
        follow(conductor, *words)
        had[current.get()].add(str(next(decisions)))

    def answered(outbox: Outbox, command: Any, *words: Any, **named: Any) -> None:  # noqa: ANN401 (as above)
        result(outbox, command, *words, **named)
        had[current.get()].add(command.command_id)

    async def last(unit: TransactionalUnitOfWork) -> None:
        due = wanted <= had.pop(unit, set())
        if due and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(unit)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)

    SagaManager.follow = followed  # type: ignore[assignment,method-assign]
    Outbox.result = answered  # type: ignore[assignment,method-assign]
    TransactionalUnitOfWork.commit = last  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    arm(set(sys.argv[2:]), after=sys.argv[1] == "after")
    sys.exit(run_worker(accept_loss=False))
