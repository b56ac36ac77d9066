"""Standard streams of the process. They may have been closed before it started, and still no command ends in a Python traceback."""

import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def open_closed() -> None:
    """Occupy the descriptors of closed standard streams. Otherwise files would get them and receive our output. Using the streams fails as before."""
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            _occupy(number, os.O_WRONLY if name != "stdout" else os.O_RDONLY)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115 (a descriptor; open to the end)


def accept_any_text() -> None:
    r"""Print characters that the locale's encoding does not have as `\u2502`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # streams of text can


def discard_output() -> None:
    """Discard output that could not be printed. Otherwise Python would try again at exit, and print an error."""
    _occupy(1, os.O_WRONLY)


def _occupy(number: int, mode: int) -> None:
    """Open /dev/null under this descriptor, also for child processes."""
    opened = os.open(os.devnull, mode)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    os.set_inheritable(number, True)  # noqa: FBT003 (os's own signature)
