"""Kafka's jars: downloaded once, and used only if they are the pinned ones."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.embedded_kafka.jars import Jars, pinned
from app.errors import FoldstreamError
from tests.conftest import FreePort

SMALLEST = next(jar for jar in pinned() if jar.path.startswith("org/jspecify/"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Complete and undamaged copy of the user's cache."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    originals = [Path(name) for name in Jars().classpath(print).split(os.pathsep)]
    folder = tmp_path / "cache"
    _copy(originals, folder)
    return folder


def test_a_complete_cache_needs_no_network(cache: Path, free_port: FreePort) -> None:
    classpath = Jars(cache, f"http://127.0.0.1:{free_port()}").classpath(print)

    assert len(classpath.split(os.pathsep)) == len(pinned())


def test_a_damaged_jar_is_fetched_again(cache: Path) -> None:
    whole = cache.with_name("whole")
    _copy(list(cache.glob("*.jar")), whole)
    _damage(cache)

    with _repository(whole) as url:
        Jars(cache, url).classpath(print)

    assert (cache / SMALLEST.file).read_bytes() == (whole / SMALLEST.file).read_bytes()


def test_a_fetched_jar_with_another_checksum_is_refused(cache: Path) -> None:
    altered = cache.with_name("altered")
    _copy(list(cache.glob("*.jar")), altered)
    _damage(altered)
    (cache / SMALLEST.file).unlink()

    with _repository(altered) as url, pytest.raises(FoldstreamError, match=f"{SMALLEST.file} as fetched has the SHA-256 .* pinned is {SMALLEST.sha256}"):
        Jars(cache, url).classpath(print)

    assert not (cache / SMALLEST.file).exists()


def test_without_a_network_the_message_says_what_to_look_at(cache: Path, free_port: FreePort) -> None:
    (cache / SMALLEST.file).unlink()

    with pytest.raises(FoldstreamError, match=f"could not fetch {SMALLEST.file} from the Maven repository: check the network"):
        Jars(cache, f"http://127.0.0.1:{free_port()}").classpath(print)


def test_a_download_that_breaks_off_leaves_nothing_behind(cache: Path) -> None:
    (cache / SMALLEST.file).unlink()
    before = set(cache.iterdir())

    with _repository(cache, _TornHandler) as url, pytest.raises(FoldstreamError, match="could not fetch"):
        Jars(cache, url).classpath(print)

    assert set(cache.iterdir()) - before == {cache / "lock"}


def _copy(originals: list[Path], folder: Path) -> None:
    folder.mkdir()
    for original in originals:
        shutil.copyfile(original, folder / original.name)


def _damage(folder: Path) -> None:
    jar = folder / SMALLEST.file
    jar.write_bytes(jar.read_bytes()[:-1] + b"!")


class _JarHandler(SimpleHTTPRequestHandler):
    """Maven repository with all jars in one folder."""

    def translate_path(self, path: str) -> str:
        """Map a URL to a file by its last part."""
        return str(Path(self.directory) / path.rpartition("/")[2])

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _TornHandler(_JarHandler):
    """Repository that ends every answer too early."""

    def do_GET(self) -> None:
        """Announce more than is sent."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"torn")


@contextmanager
def _repository(folder: Path, handler: type[_JarHandler] = _JarHandler) -> Iterator[str]:
    """Yield the URL of a Maven repository with the jars of `folder`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
