"""A task's rows without a broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.streams.processing.replies import Waiters
from app.streams.processing.unit_of_work import Draft
from app.streams.state.store import Store


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[Draft]:
    """A task's rows, on disk, and what it writes."""
    draft = Draft(Store(tmp_path / "rows"), Waiters(1), {})
    draft.enter()
    yield draft
    draft.close()
