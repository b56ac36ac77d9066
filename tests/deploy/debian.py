"""Programs that no Python package brings: those on the PATH, else unpacked from Debian's package into the user's cache; nothing is installed."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.broker.home import exclusive

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foldstream" / "debian"


def program(name: str, package: str) -> Path:
    """Where the program is; where there is neither the program nor apt the test is skipped, and says what to install."""
    if (installed := shutil.which(name)) is not None:
        return Path(installed)
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip(f"needs {name}: install {package}")
    return _unpacked(package) / "usr" / "bin" / name


def _unpacked(package: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    with exclusive(CACHE):
        if not (CACHE / package).exists():
            _fetch(package)
    return CACHE / package


def _fetch(package: str) -> None:
    """Package lists of our own need no root, and are of today; apt compares what it downloads with their signed hashes."""
    with TemporaryDirectory(dir=CACHE) as scratch:
        folder = Path(scratch)
        for needed in ("lists/partial", "archives/partial"):
            (folder / needed).mkdir(parents=True)
        apt = ["apt-get", "--quiet", f"--option=Dir::State={folder}", f"--option=Dir::Cache={folder}"]
        _run(folder, *apt, "update")
        _run(folder, *apt, "download", package)
        [archive] = folder.glob("*.deb")
        _run(folder, "dpkg", "--extract", str(archive), "unpacked")
        (folder / "unpacked").rename(CACHE / package)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
