"""Fixtures: the rows of a task without a broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.streams.processing.replies import PendingReplies
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.store import StateStore


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[UnitOfWork]:
    """Yield a unit of work with rows on disk."""
    draft = UnitOfWork(StateStore(tmp_path / "rows"), PendingReplies(1), {})
    draft.enter()
    yield draft
    draft.close()
