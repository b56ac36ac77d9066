"""Console script `foldstream`, which reports failures and handles interrupts. It imports next to nothing, so that both work early."""

import os
import signal
import sys
from contextlib import suppress

from app.cli import streams
from app.errors import FoldstreamError
from app.terminal import escaped

INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit codes: 0 done, 1 failed (the reason is printed), 2 wrong usage, 130 interrupted."""
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
    """Return the message for an operating system error that no command has handled."""
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        return "the current folder is gone: change to one that is there"
    return f"{error.strerror or error}: is a disk full, or a standard stream closed?"


def _fail(*lines: str) -> None:
    """Print the reason and exit with 1. An error of standard error is ignored."""
    streams.discard_output()
    with suppress(OSError):
        print("\n".join(map(escaped, (f"foldstream: {lines[0]}", *lines[1:]))), file=sys.stderr, flush=True)  # noqa: T201 (nothing is imported yet that could)
    sys.exit(1)


def _run() -> None:
    """Import the commands and run one. Until the imports are done, an interrupt ends the process at once, because an interrupted import is unpredictable."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # otherwise the parent process has set interrupts to be ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from app.cli.commands import app  # noqa: PLC0415 (see above)
    from app.streams.aiokafka_patches import sender as requests  # noqa: PLC0415 (see above)

    signal.signal(signal.SIGINT, before)
    requests.install()
    app()
