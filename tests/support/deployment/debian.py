"""Programs that no Python package brings: from the PATH, or unpacked from a Debian package into the user's cache. Nothing is installed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.embedded_kafka.home import exclusive

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foldstream" / "debian"


def program(name: str, package: str, *libraries: str) -> tuple[Path, str]:
    """Return the program's path, and the library path that a program unpacked into the cache needs.

    If neither this machine nor Debian has the program, the test is skipped, and says what to install.
    """
    if (installed := shutil.which(name)) is not None:
        return Path(installed), ""
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip(f"needs {name}: install {package}")
    folder, *others = _unpacked(package, *libraries)
    [found] = (folder / "usr").glob(f"*bin/{name}")
    return found, ":".join(str(each) for other in others for each in (other / "usr" / "lib").glob("*-linux-gnu"))


def _unpacked(*packages: str) -> Sequence[Path]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with exclusive(CACHE):
        if missing := [package for package in packages if not (CACHE / package).exists()]:
            _fetch(missing)
    return [CACHE / package for package in packages]


def _fetch(packages: Sequence[str]) -> None:
    """Download the packages with package lists of our own: they need no root and are current. apt checks the signed hashes of the downloads."""
    with TemporaryDirectory(dir=CACHE) as scratch:
        folder = Path(scratch)
        for needed in ("lists/partial", "archives/partial"):
            (folder / needed).mkdir(parents=True)
        apt = ["apt-get", "--quiet", f"--option=Dir::State={folder}", f"--option=Dir::Cache={folder}"]
        _run(folder, *apt, "update")
        _run(folder, *apt, "download", *packages)
        for package in packages:
            [archive] = folder.glob(f"{package}_*.deb")
            _run(folder, "dpkg", "--extract", str(archive), package)
            (folder / package).rename(CACHE / package)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs Debian's packages: {' '.join(command)}: {done.stderr.strip()[-500:]}")
