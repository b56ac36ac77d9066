"""The standard streams of a process: whatever was made of them before it started, they can be used without a trace of Python's."""

import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def open_closed() -> None:
    """Keep the numbers of closed streams from being given to other files: what is printed would be written into these. Their use fails as before."""
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            _occupy(number, os.O_WRONLY if name != "stdout" else os.O_RDONLY)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115 (a number; open to the end)


def accept_any_text() -> None:
    r"""Print characters that the locale's encoding does not have as `\u2502`."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # streams of text can


def discard_output() -> None:
    """Forget what could not be printed: Python would try again at the end, and complain."""
    _occupy(1, os.O_WRONLY)


def _occupy(number: int, mode: int) -> None:
    """Open nothing under this number; for children, too."""
    opened = os.open(os.devnull, mode)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    os.set_inheritable(number, True)  # noqa: FBT003 (os's own signature)
