"""Worker that decides a repeated command again: the negative control of random histories."""

import sys
from typing import Any

from app.handlers.aggregate_repository import AggregateRepository, Found
from app.worker import run_worker


def never(_self: AggregateRepository, *_command: Any) -> Found:  # noqa: ANN401 (any arguments)
    """Report that no command was answered before."""
    return Found(None, None, {})


AggregateRepository.answered_before = never  # type: ignore[assignment,method-assign]  # this switches the mechanism off
sys.exit(run_worker(accept_loss=False))
