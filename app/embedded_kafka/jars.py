"""Jars of Kafka, fetched once from the Maven repository. A jar is used only if it is byte for byte the pinned one."""

import hashlib
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from app.embedded_kafka.home import exclusive, made
from app.errors import FoldstreamError

PINS = Path(__file__).with_name("jars.sha256")
"""File with a line per jar, as `sha256sum` prints it: digest and path in a Maven repository. `python -m app.embedded_kafka.pins` prints its lines."""

ATTEMPTS = 3
"""Attempts to fetch a jar before the fetch counts as failed."""

Progress = Callable[[str], None]
"""Callback for progress messages to the user."""


class Jar(NamedTuple):
    """Pinned jar."""

    sha256: str
    path: str

    @property
    def file(self) -> str:
        """File name of the jar."""
        return self.path.rpartition("/")[2]

    def matches(self, path: Path) -> bool:
        """Return True if the file at `path` is this jar, undamaged."""
        return path.exists() and sha256(path) == self.sha256


class Jars:
    """Jars of `pins`, by default Kafka's, in `folder` (the user's cache). Absent or damaged jars are fetched from `repository` (Maven Central)."""

    def __init__(self, folder: Path | None = None, repository: str | None = None, pins: Path = PINS) -> None:
        """Store the arguments, without reading or fetching anything."""
        self._given = folder
        self._repository = repository
        self._pins = pins

    @cached_property
    def _folder(self) -> Path:
        return self._given or _cache()

    def classpath(self, progress: Progress) -> str:
        """Return the Java class path of all pinned jars, each verified. Raise FoldstreamError if one cannot be fetched."""
        with exclusive(made(self._folder, "XDG_CACHE_HOME")):
            jars = pinned(self._pins)
            absent = [jar for jar in jars if not jar.matches(self._folder / jar.file)]
            for number, jar in enumerate(absent, start=1):
                progress(f"fetching Kafka (once): jar {number} of {len(absent)}, {jar.file}")
                self._fetch(jar)
        return os.pathsep.join(str(self._folder / jar.file) for jar in jars)

    def _fetch(self, jar: Jar) -> None:
        with TemporaryDirectory(dir=self._folder) as scratch:
            fetched = self._download(jar, Path(scratch))
            if not jar.matches(fetched):
                raise FoldstreamError(
                    f"{jar.file} as fetched has the SHA-256 {sha256(fetched)}, pinned is {jar.sha256}: it is not the tested file, so it is not used. "
                    "Try again; if it stays so, something between here and the Maven repository alters files"
                )
            fetched.replace(self._folder / jar.file)

    def _download(self, jar: Jar, scratch: Path) -> Path:
        """Download a jar. Each attempt has its own folder, because jgo leaves an incomplete file behind if a connection breaks."""
        failures: list[Exception] = []
        for attempt in range(ATTEMPTS):
            try:
                return self._attempt(jar, scratch / str(attempt))
            except (OSError, RuntimeError) as failure:
                failures.append(failure)
        raise FoldstreamError(
            f"could not fetch {jar.file} from the Maven repository: check the network (and HTTPS_PROXY), then try again ({failures[-1]})"
        ) from failures[-1]

    def _attempt(self, jar: Jar, cache: Path) -> Path:
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 (jgo takes a quarter of a second to import, and is needed once)
        from jgo.maven import MavenContext  # noqa: PLC0415 (as above)

        *group, name, version, _ = jar.path.split("/")
        maven = MavenContext(repo_cache=cache, remote_repos={"central": self._repository or MAVEN_CENTRAL_URL})
        return maven.project(".".join(group), name).at_version(version).artifact().resolve()


def pinned(pins: Path = PINS) -> list[Jar]:
    """Return every jar of the class path."""
    return [Jar(*line.split()) for line in pins.read_text(encoding="utf-8").splitlines()]


def _cache() -> Path:
    """Return the folder for cached files according to the XDG base directory specification."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foldstream" / "kafka"
    except RuntimeError as error:
        raise FoldstreamError("this user has no home folder to keep Kafka in: set HOME, or XDG_CACHE_HOME to a folder for what can be fetched again") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
