"""Worker that decides a repeated command again: the negative control of random histories."""

import sys
from typing import Any

from app.handlers.aggregate_repository import AggregateRepository, CommandOutcome
from app.worker import run_worker


def never(_self: AggregateRepository, *_command: Any) -> tuple[CommandOutcome | None, str | None]:  # noqa: ANN401 (any arguments)
    """Report that no command was answered before."""
    return None, None


AggregateRepository.answered_before = never  # type: ignore[assignment,method-assign]  # this switches the mechanism off
sys.exit(run_worker(accept_loss=False))
