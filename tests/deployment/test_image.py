"""The Dockerfile: its lint, and that it copies exactly what the packages need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.support.deployment.stack import DOCKERFILE
from tests.support.foldstream import ROOT

PACKAGES = ("agents", "app", "schemas", "tables")


def test_the_dockerfile_is_clean() -> None:
    done = subprocess.run([Path(sys.executable).parent / "hadolint", "--failure-threshold=style", DOCKERFILE], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_context_is_what_is_copied() -> None:
    let_in = re.findall(r"^!(.*?)/?$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(let_in) == sorted(_copied())


def test_the_image_gets_every_file_of_the_packages(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for name in _copied():
        _copy(ROOT / name, source / name)

    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", out, source], check=True, capture_output=True, timeout=100)

    [wheel] = out.iterdir()
    assert _files(ROOT) <= set(ZipFile(wheel).namelist())


def _copied() -> list[str]:
    """Return what the Dockerfile copies out of the repository."""
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    return [name.rstrip("/") for line in lines for name in line.split()]


def _copy(what: Path, where: Path) -> None:
    if what.is_dir():
        shutil.copytree(what, where, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(what, where)


def _files(root: Path) -> set[str]:
    """Return every file of the packages, as a wheel names it."""
    files = [path.relative_to(root) for package in PACKAGES for path in (root / package).rglob("*") if path.is_file()]
    return {path.as_posix() for path in files if "__pycache__" not in path.parts}
