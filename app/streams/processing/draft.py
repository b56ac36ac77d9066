"""What handlers changed and wrote since the last commit: nobody but their task sees it."""

from collections.abc import Hashable, Mapping
from typing import Any

from app.streams.metrics import Label
from app.streams.processing.context import Outgoing, current
from app.streams.processing.replies import Place, Waiters
from app.streams.state.overlay import Rows
from app.streams.state.store import Store


class Draft:
    """Rows and outgoing records on their way; a subclass knows how they are committed."""

    def __init__(self, store: Store, waiters: Waiters, topic_ids: Mapping[str, str]) -> None:
        self.rows = Rows(store)
        self.topic_ids = topic_ids
        self.outgoing: list[Outgoing] = []
        self.answers: list[tuple[Hashable, Place, Any]] = []
        self.counted: list[Label] = []
        self.waiters = waiters
        self._mark = self._marked_answers = self._marked_counts = 0

    def enter(self) -> None:
        """From here on, tables and `emit` in this asyncio task mean this draft."""
        current.set(self)

    def mark(self) -> None:
        """Begin a record: `rollback` undoes what follows."""
        self.rows.mark()
        self._mark, self._marked_answers, self._marked_counts = len(self.outgoing), len(self.answers), len(self.counted)

    @property
    def caused(self) -> int:
        """How many records the record that was begun last has written."""
        return len(self.outgoing) - self._mark

    @property
    def caused_bytes(self) -> int:
        """How many bytes their keys and values have."""
        return sum(len(written.key or b"") + len(written.value or b"") for written in self.outgoing[self._mark :])

    def rollback(self) -> None:
        """Undo what the record did."""
        self.rows.rollback()
        del self.outgoing[self._mark :]
        del self.answers[self._marked_answers :]
        del self.counted[self._marked_counts :]

    def drop(self) -> None:
        """It does not happen."""
        self.rows.drop()
        self.outgoing.clear()
        self.answers.clear()
        self.counted.clear()

    def close(self) -> None:
        """Drop what is not committed and release the store."""
        self.drop()
        self.rows.store.close()
