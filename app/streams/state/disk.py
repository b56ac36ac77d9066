"""Opening a store, whatever is found on disk: what does not serve is wiped, for Kafka has it all."""

import logging
from collections.abc import Callable
from pathlib import Path

from app.errors import FoldstreamError
from app.streams.state.store import Store, wipe

log = logging.getLogger(__name__)

NO_ROOM = "there is no room under FOLDSTREAM_DATADIR"
UNDAMAGED = {
    "/LOCK": "it is still open",
    "No space left on device": NO_ROOM,
    "Disk quota exceeded": NO_ROOM,
    "File too large": NO_ROOM,
}
"""What RocksDB says of a database that is none the worse, and what it means: an earlier opening has not ended yet, or a person has to make room."""


def opened(path: Path, unusable: Callable[[Store], str | None]) -> Store:
    """The store at `path`; an empty one in its place when it is damaged, or `unusable` says why it cannot be brought up to date.

    FoldstreamError when it cannot be opened now, and may be later; what `unusable` raises leaves it as it is.
    """
    try:
        store = _open(path)
    except FoldstreamError:
        raise
    except Exception as error:  # noqa: BLE001 (rocksdict raises bare exceptions for every kind of damage)
        return _afresh(path, f"it is damaged: {error}")
    try:
        why = unusable(store)
    except BaseException:
        store.close()
        raise
    if why is None:
        return store
    store.close()
    return _afresh(path, why)


def _afresh(path: Path, why: str) -> Store:
    log.warning("the store %s is wiped and filled again from Kafka: %s", path.name, why)
    wipe(path)
    return _open(path)


def _open(path: Path) -> Store:
    try:
        return Store(path)
    except Exception as error:
        why = next((why for said, why in UNDAMAGED.items() if said in str(error)), None)
        if why is None:
            raise
        raise FoldstreamError(f"the store {path.name} cannot be opened, {why}: {error}") from error
