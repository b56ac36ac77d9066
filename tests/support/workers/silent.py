"""Worker that loses some commands, or answers to them, after reading them, as if they had been skipped. Only time-outs help then.

usage: python -m tests.support.workers.silent HOW=ID,ID... ... HOW is `unanswered`, `unanswered-once` or `unheard`, each ID that of a command
"""

import sys
from typing import Any

import msgspec

from app.handlers.command_handler import CommandHandler
from app.handlers.saga_inbox import SagaInbox
from app.worker import run_worker


def arm(lost: dict[str, set[str]]) -> None:
    """Ignore the commands always or once, or ignore their answers."""
    answers, hears = CommandHandler.__call__, SagaInbox._hear  # noqa: SLF001 (a test replaces what is inside)

    def answered(commands: CommandHandler, record: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        identity = msgspec.json.decode(record.value)["commandId"]
        if identity in lost["unanswered-once"]:
            lost["unanswered-once"].remove(identity)
        elif identity not in lost["unanswered"]:
            answers(commands, record)

    def heard(inbox: SagaInbox, record: Any, result: Any) -> None:  # noqa: ANN401 (as above)
        if result.command_id not in lost["unheard"]:
            hears(inbox, record, result)

    CommandHandler.__call__ = answered  # type: ignore[assignment,method-assign]
    SagaInbox._hear = heard  # type: ignore[assignment,method-assign]  # noqa: SLF001 (as above)


if __name__ == "__main__":
    named = dict(argument.split("=") for argument in sys.argv[1:])
    arm({how: set(filter(None, named.get(how, "").split(","))) for how in ("unanswered", "unanswered-once", "unheard")})
    sys.exit(run_worker(accept_loss=False))
