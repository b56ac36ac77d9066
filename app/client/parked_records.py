"""Parked records, read from the topic `parked` alone (contract, section 2)."""

from collections.abc import AsyncIterator

from app.client.log_reader import LogReader
from app.settings import Settings
from app.streams.parking.record import ParkedRecord, parse


async def open_records(settings: Settings) -> AsyncIterator[ParkedRecord]:
    """Yield the records that are neither released nor discarded, by partition, topic and offset. Memory holds those of one partition at a time."""
    async with LogReader(settings) as log:
        for partition in range(settings.partitions):
            for row in await _open(log, settings.topic("parked"), partition):
                yield row


async def _open(log: LogReader, topic: str, partition: int) -> list[ParkedRecord]:
    found: dict[tuple[str, int], list[ParkedRecord]] = {}
    async for record in log.partition(topic, partition):
        said = parse(record)
        rows = found.setdefault((said.topic, said.offset), [])
        before = [row for row in rows if row.topic_id == said.topic_id] or ([] if isinstance(said, ParkedRecord) else rows)
        if before:
            rows.remove(before[-1])
        if isinstance(said, ParkedRecord):
            rows.append(said)
        if not rows:
            del found[said.topic, said.offset]
    return [row for place in sorted(found) for row in found[place]]
