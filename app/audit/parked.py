"""What the topic `parked` says of the records that were read from one partition."""

from collections.abc import AsyncIterator

from aiokafka import ConsumerRecord

from app.kernel.parked import Parked, parse

Place = tuple[str, int]
"""A topic and an offset in this partition."""

RELEASED = "released"
REDIRECTED = "released to its right partition"
"""It is answered there, under another offset."""


async def states(records: AsyncIterator[ConsumerRecord]) -> dict[Place, str]:
    """The last word on each place: the reason of what is open, or what became of it."""
    found: dict[Place, str] = {}
    async for record in records:
        said = parse(record)
        place = (said.topic, said.offset)
        if isinstance(said, Parked):
            found[place] = said.reason
        else:
            found[place] = REDIRECTED if found.get(place) == "misrouted" and said.outcome == RELEASED else said.outcome
    return found
