"""What the log says about a run of the demo: read from the topics, not from what the demo was told."""

from collections import Counter
from collections.abc import Sequence
from typing import Self

import msgspec

from app.client.log_reader import LogReader
from app.client.results import Json
from app.demo.orders import Kind, Shop
from app.settings import Settings
from app.streams.parking.record import ParkedRecord, ParkingOutcome, parse
from app.topics import AGGREGATES, event_topic

Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


class Evidence:
    """The whole log of record, and the results and parked records of one run."""

    def __init__(self, shop: Shop) -> None:
        """`shop` names the run."""
        self._shop = shop
        self._token = shop.token
        self._versions: dict[tuple[str, str], int] = {}
        self.events = Counter[str]()
        """Events by type, of all runs."""
        self.run_events = Counter[str]()
        """Events by type, of this run."""
        self.of_kind = Counter[tuple[Kind, str]]()
        """Events that name an order of this run, by its kind and their type."""
        self.event_ids = Counter[str]()
        self.broken: list[str] = []
        """Each place where an aggregate's versions have a gap or a repeat."""
        self.first_results = Counter[str]()
        """How many results that are no duplicates each command of the run has, by its id."""
        self.duplicates = Counter[str]()
        """How many results each command has that are marked as duplicates."""
        self.refusals: dict[tuple[str, str], str] = {}
        """The refusal's code by command type and aggregate of the run."""
        self.parked: dict[Place, ParkedRecord] = {}
        """What was parked during the run, and still is."""

    @classmethod
    async def read(cls, chosen: Settings, shop: Shop, parked_from: Sequence[int]) -> Self:
        """Everything that is in the log now; of the topic `parked`, what is behind these offsets, one for each partition."""
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
        """How many aggregates have events."""
        return len(self._versions)

    def event(self, event: Json) -> None:
        """Take in the next event of its aggregate."""
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
        """Take in a record of the topic `parked`: the last about a place counts."""
        place = (word.topic, word.partition, word.offset)
        if isinstance(word, ParkedRecord):
            self.parked[place] = word
        else:
            self.parked.pop(place, None)

    def result(self, result: Json) -> None:
        """Take in a result, if it is of this run."""
        command = result["commandId"]
        if command.startswith(self._token):
            (self.duplicates if "duplicate" in result else self.first_results)[command] += 1
        if "refusal" in result and result["aggregateId"].startswith(self._token):
            self.refusals[result["commandType"], result["aggregateId"]] = result["refusal"]["code"]
