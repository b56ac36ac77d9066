"""The console script `foldstream`: what a failure and an interrupt look like to a person. It imports next to nothing, so that both are soon in hand."""

import os
import signal
import sys

from app.errors import FoldstreamError

INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit codes: 0 done, 1 failed (and said why), 2 wrong usage, 130 interrupted."""
    try:
        _run()
    except FoldstreamError as error:
        sys.exit(f"foldstream: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _run() -> None:
    """The commands' imports take a while, and what one of them makes of an interrupt in its middle is anybody's guess: the process just ends."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # otherwise whoever started this process has interrupts ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from app.cli.commands import app  # noqa: PLC0415 (see above)

    signal.signal(signal.SIGINT, before)
    app()
