"""The views as their tasks see them: which read models there are, and which events each follows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from app.streams.kafka.topic_ids import Cluster
from app.streams.logs.identity import LogIdentity
from app.streams.processing.handlers import Handler
from app.streams.write_topology import WriteSide


class ReadModel(Protocol):
    """Rows that follow from events, kept by one agent in tables that are attributes of the read model: each has them by itself, in every generation."""

    agent: str
    """The name of the agent that folds the events into rows."""
    events: tuple[str, ...]
    """The logs of record that it follows, their names on the broker."""
    fingerprint: str
    """Changes when rows or their fold change: then they are made anew, and not shown until that is done."""


class Follower(NamedTuple):
    """An agent and a topic that it follows: it has a position of its own, for agents of one topic do not commit together."""

    agent: str
    topic: str

    @property
    def row(self) -> str:
        """The key of its position."""
        return f"{self.agent}/{self.topic}"


@dataclass
class ViewSide:
    """Read models are added while the application is declared; view tasks read them when they open."""

    write: WriteSide
    """Settings, measures and the worker's directory are shared with the write side."""
    models: list[ReadModel] = field(default_factory=list)
    handlers: list[Handler] = field(default_factory=list)
    """What the agents do with an event."""
    inputs: list[str] = field(default_factory=list)
    """The topics that are followed, each once."""

    def add(self, model: ReadModel) -> None:
        """Keep this read model, too."""
        self.models.append(model)
        self.inputs += [topic for topic in model.events if topic not in self.inputs]

    @property
    def subscribed(self) -> set[str]:
        """What every worker subscribes to: the inputs, and the saga's events, which only later versions follow."""
        return {*self.inputs, self.write.settings.topic("events.saga")}

    def followers(self) -> Iterator[Follower]:
        """Who follows what."""
        for model in self.models:
            yield from (Follower(model.agent, topic) for topic in model.events)

    def identity(self, cluster: Cluster) -> LogIdentity:
        """That of rows folded from these logs."""
        return LogIdentity(cluster.cluster_id, {topic: cluster.topic_ids[topic] for topic in self.inputs}, self.write.settings.partitions)

    def store_path(self, partition: int) -> Path:
        """Where the rows of one view task are on disk."""
        return self.write.directory / f"view-{partition}"
