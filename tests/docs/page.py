"""A page that can be followed: its fenced blocks as steps, files and patches applied, commands typed and what they print compared."""

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
"""What is another each time: the broker's time, how long something took, and the port that was free."""


class Block(NamedTuple):
    """A fenced block; `path` stands on a line of its own above a block that is a file."""

    path: str | None
    kind: str
    text: str


class Wrong(AssertionError):  # noqa: N818 (what the page is)
    """What the page says is not what happens."""


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a Markdown page, in order; Wrong when there is none, or a fence that is not one of theirs."""
    found = [Block(*each.group("path", "kind", "text")) for each in _FENCED.finditer(page)]
    if not found or len(re.findall("^```", page, re.MULTILINE)) != 2 * len(found):
        raise Wrong("the page has no fenced block, or one that cannot be read: ```kind, its lines, ```")
    return found


def follow(page: str, root: Path, shell: Shell) -> None:
    """Do what the page says, in the repository at `root`, where the shell must be; Wrong at the first thing that is not as it says."""
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
    """Type each line that begins with `$ `; what follows it is what it prints, in which `...` stands for anything, as in a doctest.

    What is said on stderr is not compared: how long something takes decides whether its progress is told.
    A command that fails is followed by one that shows its exit code.
    """
    for typed, then in pairwise([*text.removeprefix("$ ").split("\n$ "), ""]):
        command, _, expected = typed.partition("\n")
        done = shell.run(command)
        if done.code and not then.startswith("echo $?"):
            raise Wrong(f"$ {command}\nends with {done.code} and prints\n{done.printed}\non stderr:\n{done.aside}")
        if not OutputChecker().check_output(_settled(expected), _settled(done.printed), ELLIPSIS):
            raise Wrong(f"$ {command}\nshould print\n{expected}\nand prints\n{done.printed}\non stderr:\n{done.aside}")


def _settled(printed: str) -> str:
    """Without what varies, and without empty lines at the end."""
    for pattern, name in _VARYING.items():
        printed = re.sub(pattern, name, printed, flags=re.MULTILINE)
    return printed.strip("\n") + "\n"
