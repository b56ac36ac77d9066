"""Page that can be followed: its fenced blocks are steps. Files and patches are applied, commands are typed, and their output is compared."""

import re
import subprocess
from doctest import ELLIPSIS, OutputChecker
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.docs.shell import Shell

_FENCED = re.compile(r"^(?:`(?P<path>[^`\n]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z": "<time>",
    r"\bin \d+\.\d+s(?: \(\d+:\d\d:\d\d\))?$": "in <seconds>",
    r"127\.0\.0\.1:\d+": "<address>",
}
"""Output that varies: the broker's time, durations, and free ports."""


class Block(NamedTuple):
    """Fenced block. If it is a file, its `path` is on a line of its own above it."""

    path: str | None
    kind: str
    text: str


class Wrong(AssertionError):  # noqa: N818 (what the page is)
    """Difference between the page and the facts."""


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a Markdown page, in order. Raise Wrong if there is none, or a fence that cannot be read."""
    found = [Block(*each.group("path", "kind", "text")) for each in _FENCED.finditer(page)]
    if not found or len(re.findall("^```", page, re.MULTILINE)) != 2 * len(found):
        raise Wrong("the page has no fenced block, or one that cannot be read: ```kind, its lines, ```")
    return found


def follow(page: str, root: Path, shell: Shell) -> None:
    """Follow the page in the repository at `root`, which must be the shell's directory. Raise Wrong at the first difference."""
    for block in blocks(page):
        match block:
            case Block(path=str(path), text=text):
                (root / path).write_text(text, encoding="utf-8")
            case Block(kind="diff", text=text):
                _patch(root, text)
            case Block(kind="console", text=text):
                _type(shell, text)
            case _:
                raise Wrong(f"nobody can follow a block of {block.kind} without a path:\n{block.text}")


def _patch(root: Path, text: str) -> None:
    done = subprocess.run(["git", "apply", "-"], cwd=root, input=text, capture_output=True, text=True, check=False)  # noqa: S607 (the git that is there)
    if done.returncode:
        raise Wrong(f"{done.stderr}\n{text}")


def _type(shell: Shell, text: str) -> None:
    """Type each line that begins with `$ `. The lines behind it are its expected output, in which `...` stands for anything, as in a doctest.

    Output on stderr is not compared, because a machine's speed decides what a command reports there. A command that fails is followed by one that shows its
    exit code.
    """
    for typed, then in pairwise([*text.removeprefix("$ ").split("\n$ "), ""]):
        command, _, expected = typed.partition("\n")
        done = shell.run(command)
        if done.code and not then.startswith("echo $?"):
            raise Wrong(f"$ {command}\nends with {done.code} and prints\n{done.printed}\non stderr:\n{done.aside}")
        if not OutputChecker().check_output(_settled(expected), _settled(done.printed), ELLIPSIS):
            raise Wrong(f"$ {command}\nshould print\n{expected}\nand prints\n{done.printed}\non stderr:\n{done.aside}")


def _settled(printed: str) -> str:
    """Return the output without what varies, and without empty lines at the end."""
    for pattern, name in _VARYING.items():
        printed = re.sub(pattern, name, printed, flags=re.MULTILINE)
    return printed.strip("\n") + "\n"
