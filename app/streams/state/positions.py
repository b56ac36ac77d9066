"""Where a task is in its inputs: rows of its own changelog, so that they commit with everything else.

A position moves with each record, and over what follows the last one and is no record (commit markers, gaps) once the partition is idle.
So what lies between a position and the beginning of its topic was never read, and is lost.
"""

import logging

from msgspec import Struct

from app.streams.errors import DataLossDetected
from app.streams.state.table import Table

log = logging.getLogger(__name__)


class InputPosition(Struct, frozen=True):
    """The next offset to process of one input topic (of this id), and the one last given to the consumer group."""

    topic_id: str
    offset_next: int
    group_offset: int | None = None
    generation: int = 0
    """How many other topics had this name before, as far as the task has read them."""


positions = Table[InputPosition](None, name="position", value_type=InputPosition)


def check(topic: str, offset_next: int, begin: int, end: int, *, accept_loss: bool) -> int:
    """The offset to go on from; DataLossDetected when the topic no longer has what lies there, between the offsets `begin` and `end`."""
    if offset_next > end:
        message = f"{topic} ends at {end}, below the position {offset_next}: its end is lost; restore it, or start with --accept-loss to go on from its end"
        return _accept(end, message, accept_loss=accept_loss)
    if offset_next < begin:
        message = (
            f"up to {begin - offset_next} records of {topic} were deleted before they were read: it begins at {begin}, above the position {offset_next}; "
            "start with --accept-loss to go on without them"
        )
        return _accept(begin, message, accept_loss=accept_loss)
    return offset_next


def _accept(offset_next: int, message: str, *, accept_loss: bool) -> int:
    if not accept_loss:
        raise DataLossDetected(message)
    log.warning("loss was accepted: %s", message)
    return offset_next
