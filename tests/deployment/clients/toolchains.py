"""Clients generated from /openapi.json, and built.

Each language has a function that returns the command that runs its program with a URL and the id of an order.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.embedded_kafka.jars import Jars

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foldstream" / "clients"
TIMEOUT_S = 900
"""Time for downloads and compilation on a slow machine (seconds)."""

Command = list[str]


def python(document: Path, folder: Path) -> Command:
    """Generate with openapi-python-client, in an environment of its own: it needs other versions of packages than this project."""
    environment = folder / "environment"
    run([sys.executable, "-m", "venv", environment])
    own = environment / "bin" / "python"
    run([own, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes", "--only-binary", ":all:", "-r", HERE / "python.txt"])
    generating = [environment / "bin" / "openapi-python-client", "generate", "--meta", "none", "--path", document]
    run([*generating, "--output-path", folder / "foldstream_client"], PATH=environment / "bin")
    shutil.copy(HERE / "place.py", folder)
    return [str(own), str(folder / "place.py")]


def go(document: Path, folder: Path) -> Command:
    """Generate a Go module, and compile the program with its dependencies."""
    compiler = tool("go")
    generate("go", document, folder, "--git-host=example.org", "--git-user-id=foldstream", "--git-repo-id=client", "--package-name=foldstream")
    (folder / "place").mkdir()
    shutil.copy(HERE / "main.go", folder / "place")
    run([compiler, "build", "-o", folder / "program", "./place"], cwd=folder)
    return [str(folder / "program")]


def typescript(document: Path, folder: Path) -> Command:
    """Generate TypeScript, and compile with all strict checks."""
    node = tool("node")
    generate("typescript-fetch", document, folder / "client", "--additional-properties=importFileExtension=.js")
    shutil.copy(HERE / "place.ts", folder)
    compiler = npm(folder) / "typescript" / "bin" / "tsc"
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--outDir", folder / "built"]
    run([node, compiler, *options, folder / "place.ts"], cwd=folder)
    return [node, str(folder / "built" / "place.js")]


def java(document: Path, folder: Path) -> Command:
    """Generate a client for Java's own HTTP client, and compile."""
    compiler, machine = tool("javac"), tool("java")
    generate("java", document, folder, "--library=native")
    classpath = os.pathsep.join([str(folder / "built"), jars("java.sha256")])
    sources = [HERE / "Place.java", *(folder / "src" / "main").rglob("*.java")]
    run([compiler, "-nowarn", "-d", folder / "built", "-cp", classpath, *sources])
    return [machine, "-cp", classpath, "Place"]


def generate(language: str, document: Path, folder: Path, *options: str) -> None:
    """Run openapi-generator."""
    run([tool("java"), "-jar", jars("generator.sha256"), "generate", "-g", language, "-i", document, "-o", folder, *options])


def npm(folder: Path) -> Path:
    """Install the locked packages in this folder. Return their folder."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    run([tool("npm"), "ci", "--no-audit", "--no-fund"], cwd=folder)
    return folder / "node_modules"


def jars(pins: str) -> str:
    """Return the class path of the jars that a file pins."""
    return Jars(CACHE, pins=HERE / pins).classpath(lambda _: None)


def tool(name: str) -> str:
    """Return the path of a program of this machine. Without it, the test is skipped, and fails in CI."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"there is no {name} here, and CI must not skip a language")
    return found or pytest.skip(f"there is no {name} here")


def run(words: Sequence[object], cwd: Path | None = None, **environment: object) -> None:
    """Run a program to its end. It must succeed."""
    more = {name: f"{value}{os.pathsep}{os.environ[name]}" for name, value in environment.items()}
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=os.environ | more, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{words[0]}: {done.stdout[-5_000:]}{done.stderr[-5_000:]}"
