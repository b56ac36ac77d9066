"""What is parked, told by the topic `parked` alone (contract, section 2)."""

from collections.abc import AsyncIterator

from app.kernel.parked import Parked, parse
from app.log import Log
from app.settings import Settings


async def open_records(settings: Settings) -> AsyncIterator[Parked]:
    """The records that are neither released nor discarded, by partition, topic and offset; in memory is one partition's at a time."""
    async with Log(settings) as log:
        for partition in range(settings.partitions):
            for row in await _open(log, settings.topic("parked"), partition):
                yield row


async def _open(log: Log, topic: str, partition: int) -> list[Parked]:
    found: dict[tuple[str, int], Parked] = {}
    async for record in log.partition(topic, partition):
        said = parse(record)
        if isinstance(said, Parked):
            found[said.topic, said.offset] = said
        else:
            found.pop((said.topic, said.offset), None)
    return [found[place] for place in sorted(found)]
