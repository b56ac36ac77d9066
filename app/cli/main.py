"""The console script `foldstream`: what a failure and an interrupt look like to a person. It imports next to nothing, so that both are soon in hand."""

import os
import signal
import sys
from contextlib import suppress

from app.cli import streams
from app.errors import FoldstreamError
from app.terminal import escaped

INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit codes: 0 done, 1 failed (and said why), 2 wrong usage, 130 interrupted."""
    streams.open_closed()
    streams.accept_any_text()
    try:
        _run()
    except FoldstreamError as error:
        _fail(*error.lines)
    except OSError as error:
        _fail(_why(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _why(error: OSError) -> str:
    """Whatever was no failure that a command knows."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "the current folder is gone: change to one that is there"
    return f"{error.strerror or error}: is a disk full, or a standard stream closed?"


def _fail(*lines: str) -> None:
    """Say why, and end with 1; standard error may take it or not."""
    streams.discard_output()
    with suppress(OSError):
        print("\n".join(map(escaped, (f"foldstream: {lines[0]}", *lines[1:]))), file=sys.stderr, flush=True)  # noqa: T201 (nothing is imported yet that could)
    sys.exit(1)


def _run() -> None:
    """The commands' imports take a while, and what one of them makes of an interrupt in its middle is anybody's guess: the process just ends."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # otherwise whoever started this process has interrupts ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from app.cli.commands import app  # noqa: PLC0415 (see above)
    from app.streams.aiokafka_patches import sender as requests  # noqa: PLC0415 (see above)

    signal.signal(signal.SIGINT, before)
    requests.install()
    app()
