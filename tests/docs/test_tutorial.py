"""The tutorials, followed to the letter in a copy of the repository, each on a Kafka of its own."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FreePort
from tests.docs.page import Wrong, blocks, follow
from tests.docs.shell import Shell
from tests.support.foldstream import ROOT, foldstream

GUIDES = ROOT / "docs" / "guides"
TUTORIALS = sorted(GUIDES.glob("tutorial-*.md"))
AGGREGATE = (GUIDES / "tutorial-aggregate.md").read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return the repository as cloned, after `make setup`."""
    root = tmp_path / "foldstream"
    for name in _files():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    _git("init", "--quiet", root=root)
    _set_up(root)
    return root


@pytest.fixture
def shell(copy: Path, free_port: FreePort) -> Iterator[Shell]:
    """Yield a shell in the copy, where the project is that of the copy. Its Kafka is stopped at the end."""
    ports = {"FOLDSTREAM_KAFKA_PORT": str(free_port()), "FOLDSTREAM_WEB_PORT": str(free_port())}
    try:
        with Shell(copy, {**ports, "PYTHONPATH": str(copy), "FOLDSTREAM_SESSION_TIMEOUT_S": "6"}) as opened:
            yield opened
    finally:
        foldstream("kafka", "stop", datadir=copy / ".foldstream")


@pytest.mark.timeout(900)  # also on a busy machine
@pytest.mark.parametrize("page", TUTORIALS, ids=[page.stem for page in TUTORIALS])
def test_the_tutorial_is_true(page: Path, copy: Path, shell: Shell) -> None:
    follow(page.read_text(encoding="utf-8"), copy, shell)


def test_an_aggregate_takes_four_new_files_and_a_line_in_the_registry() -> None:
    named = {block.path for block in blocks(AGGREGATE) if block.path} | set(re.findall(r"^\+\+\+ b/(.+)$", AGGREGATE, re.MULTILINE))

    assert sorted(name for name in named if name.partition("/")[0] in {"agents", "app", "schemas", "tables"}) == [
        "agents/voucher.py",
        "app/domain/registry.py",
        "app/domain/voucher.py",
        "schemas/voucher.py",
        "tables/voucher.py",
    ]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("```console\n$ echo one\ntwo\n```\n", "should print\ntwo"),
        ("```console\n$ echo one; false\none\n```\n", "ends with 1"),
        ("```console\n$ echo aside >&2; echo one\ntwo\n```\n", "and prints\none\n\n\non stderr:\naside"),
        ("```console\n$ true\n$ echo said\n```\n", "and prints\nsaid"),
        ("```console\n$ (exit 3)\n$ echo $?\n0\n```\n", "and prints\n3"),
        ("```diff\n--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# Not its title\n+# Other\n```\n", "patch failed"),
        ("```python\nimport nobody_can_follow\n```\n", "without a path"),
        ("```console of another kind\n$ echo one\ntwo\n```\n", "cannot be read"),
        ("no block at all\n", "no fenced block"),
    ],
)
def test_a_page_that_is_wrong_is_found_out(copy: Path, block: str, complaint: str) -> None:
    with Shell(copy, {}) as shell, pytest.raises(Wrong, match=complaint):
        follow(f"Before.\n\n{block}\nAfter.\n", copy, shell)


def _files() -> list[str]:
    """Return all files that exist and are tracked, or new and not ignored."""
    return [name for name in _git("ls-files", "--cached", "--others", "--exclude-standard", root=ROOT).splitlines() if (ROOT / name).exists()]


def _git(*words: str, root: Path) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S607 (the git that is there)


def _set_up(root: Path) -> None:
    """Link this process's environment to the name that the Makefile gives it. New stamps say that there is nothing to install."""
    (root / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.suffix != ".stamp":
            (root / ".venv" / entry.name).symlink_to(entry)
    for stamp in ("lock", "setup"):
        (root / ".venv" / f"{stamp}.stamp").touch()
