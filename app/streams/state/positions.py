"""Input positions of a task: rows of its own changelog, so that they commit with everything else.

A position moves with each record. Once the partition is idle, it also moves over the commit markers and gaps after the last record. So records between a
position and a later beginning of its topic were never read, and are lost.
"""

import logging

from msgspec import Struct

from app.streams.errors import DataLossDetected
from app.streams.state.table import Table

log = logging.getLogger(__name__)


class InputPosition(Struct, frozen=True):
    """Next offset to process of one input topic (of this id), and the offset last reported to the consumer group."""

    topic_id: str
    offset_next: int
    group_offset: int | None = None
    generation: int = 0
    """Number of earlier topics of the same name, as far as the task has read them."""


positions = Table[InputPosition](None, name="position", value_type=InputPosition)


def check(topic: str, offset_next: int, begin: int, end: int, *, accept_loss: bool) -> int:
    """Return the offset to continue from. Raises DataLossDetected when the topic, which has the offsets from `begin` to `end`, no longer has the next one."""
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
