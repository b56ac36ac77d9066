"""Evidence about a run of the demo, read from the topics, not from the results that the demo received."""

from collections import Counter
from collections.abc import Sequence
from typing import Self

import msgspec

from app.client.log_reader import LogReader
from app.client.results import Json
from app.demo.orders import Kind, Shop
from app.settings import Settings
from app.streams.parking.record import ParkedRecord, ParkingOutcome, parse
from app.topics.contract import AGGREGATES, event_topic

Place = tuple[str, int, int]
"""Location of a record: topic, partition and offset."""


class Evidence:
    """Facts from the whole log of record, and from the results and parked records of one run."""

    def __init__(self, shop: Shop) -> None:
        """`shop` identifies the run."""
        self._shop = shop
        self._token = shop.token
        self._versions: dict[tuple[str, str], int] = {}
        self.events = Counter[str]()
        """Events by type, of all runs."""
        self.run_events = Counter[str]()
        """Events by type, of this run."""
        self.of_kind = Counter[tuple[Kind, str]]()
        """Events that name an order of this run, by the order's kind and the event type."""
        self.event_ids = Counter[str]()
        self.broken: list[str] = []
        """Gaps and repetitions in the versions of aggregates, as text."""
        self.first_results = Counter[str]()
        """Results that are not duplicates, counted by command id, of this run."""
        self.duplicates = Counter[str]()
        """Results that are marked as duplicates, counted by command id, of this run."""
        self.refusals: dict[tuple[str, str], str] = {}
        """Codes of refusals, by command type and aggregate of this run."""
        self.parked: dict[Place, ParkedRecord] = {}
        """Records that were parked during the run and still are."""

    @classmethod
    async def read(cls, chosen: Settings, shop: Shop, parked_from: Sequence[int]) -> Self:
        """Read everything in the log now. Of the topic `parked`, read only from these offsets on, one for each partition."""
        found = cls(shop)
        async with LogReader(chosen) as log:
            for aggregate in AGGREGATES:
                async for record in log.topic(event_topic(chosen, aggregate)):
                    found.event(msgspec.json.decode(record.value))
            async for record in log.topic(chosen.topic("results")):
                found.result(msgspec.json.decode(record.value))
            async for record in log.topic(chosen.topic("parked")):
                if record.offset >= parked_from[record.partition]:
                    found.said(parse(record))
        return found

    @property
    def aggregates(self) -> int:
        """Number of aggregates that have events."""
        return len(self._versions)

    def event(self, event: Json) -> None:
        """Add an event, which has to be the next one of its aggregate."""
        name, kind, version = (event["aggregateType"], event["aggregateId"]), event["eventType"], event["version"]
        if version != (expected := self._versions.get(name, 0) + 1):
            self.broken.append(f"{name[0]} {name[1]}: version {version} where {expected} is next")
        self._versions[name] = version
        self.event_ids[event["eventId"]] += 1
        self.events[kind] += 1
        self.run_events[kind] += event["aggregateId"].startswith(self._token)
        order = self._shop.kind(event["aggregateId"] if event["aggregateType"] == "Order" else event["payload"].get("orderId", ""))
        if order is not None:
            self.of_kind[order, kind] += 1

    def said(self, word: ParkedRecord | ParkingOutcome) -> None:
        """Add a record of the topic `parked`. The last record about a location counts."""
        place = (word.topic, word.partition, word.offset)
        if isinstance(word, ParkedRecord):
            self.parked[place] = word
        else:
            self.parked.pop(place, None)

    def result(self, result: Json) -> None:
        """Add a result if it is of this run."""
        command = result["commandId"]
        if command.startswith(self._token):
            (self.duplicates if "duplicate" in result else self.first_results)[command] += 1
        if "refusal" in result and result["aggregateId"].startswith(self._token):
            self.refusals[result["commandType"], result["aggregateId"]] = result["refusal"]["code"]
