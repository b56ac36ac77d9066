"""Worker without a mechanism: a transaction carries the position before it, so the next owner repeats the last transaction."""

import sys
from typing import Any

from app.streams.state.positions import InputPosition, positions
from app.streams.tasks.write_processor import WriteProcessor
from bench.alone import run_worker


def _reach(self: WriteProcessor, last: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
    before = self._position(last.topic)
    self._ahead[last.topic] = InputPosition(before.topic_id, last.offset + 1)
    positions[last.topic] = before


WriteProcessor._reach = _reach  # type: ignore[method-assign]  # noqa: SLF001 (as above)
sys.exit(run_worker(accept_loss=False))
