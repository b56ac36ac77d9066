"""Opening a store, whatever is found on disk: what does not serve is wiped, for Kafka has it all."""

import logging
from collections.abc import Callable
from pathlib import Path

from app.errors import FoldstreamError
from app.kernel.store import Store, wipe

log = logging.getLogger(__name__)

IN_USE = "/LOCK"
"""What RocksDB says of a database that is open already: not damage, but an earlier opening that has not ended yet."""


def opened(path: Path, unusable: Callable[[Store], str | None]) -> Store:
    """The store at `path`; an empty one in its place when it is damaged, or `unusable` says why it cannot be brought up to date."""
    try:
        store = Store(path)
    except Exception as error:  # (rocksdict raises bare exceptions for every kind of damage)
        if IN_USE in str(error):
            raise FoldstreamError(f"{path} is still open: {error}") from error
        return _afresh(path, f"it is damaged: {error}")
    why = unusable(store)
    if why is None:
        return store
    store.close()
    return _afresh(path, why)


def _afresh(path: Path, why: str) -> Store:
    log.warning("the store %s is wiped and filled again from Kafka: %s", path.name, why)
    wipe(path)
    return Store(path)
