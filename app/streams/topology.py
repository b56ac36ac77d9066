"""The write side as its tasks see it: what it reads, what it writes, and how its rows follow from the log."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from aiokafka import ConsumerRecord
from msgspec import Struct

from app.settings import Settings
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.identity import LogIdentity
from app.streams.metrics import WorkerMetrics
from app.streams.parking.skip_log import SkipLog
from app.streams.processing.handlers import RecordHandler, TimerHandler
from app.streams.processing.replies import PendingReplies
from app.streams.state.table import Table

WAITING_WRITES = 2_000
"""Requests that may wait for their answers at the same time; the next is asked to come again."""


class WorkerAddress(Struct, frozen=True, rename="camel"):
    """Where a worker is reached, and what it is called."""

    url: str
    worker_id: str


class AggregateFold(Protocol):
    """How the rows of one aggregate type follow from its events; the runtime uses it when a changelog has to be made anew."""

    events: str
    """The log of record, its name on the broker."""
    tables: list[Table[Any]]
    """The tables whose rows are folded from events."""
    fingerprint: str
    """Changes when rows or their fold change."""

    def apply(self, event: ConsumerRecord) -> None:
        """Fold one event into the rows."""

    def accepted(self, event: ConsumerRecord) -> None:
        """Remember the command that caused the event."""

    def answered(self, result: ConsumerRecord) -> None:
        """Remember the command that a result answers, if it was to this aggregate type."""


@dataclass
class WriteTopology:
    """Inputs and folds are added while the application is declared; tasks read them when they open."""

    settings: Settings
    inputs: list[str] = field(default_factory=list)
    folds: list[AggregateFold] = field(default_factory=list)
    handlers: dict[str, RecordHandler] = field(default_factory=dict)
    """By input."""
    sleepers: dict[str, TimerHandler] = field(default_factory=dict)
    """By agent."""
    waiters: PendingReplies = field(default_factory=lambda: PendingReplies(WAITING_WRITES))
    """Who waits in this process for what an agent answers."""
    measures: WorkerMetrics = field(default_factory=WorkerMetrics)
    """What this process counts."""
    owner: WorkerAddress | None = None
    """How this worker is reached by others; None before it serves HTTP."""
    repeatable: set[str] = field(default_factory=set)
    """The inputs that may be read again from their beginning: what was heard before changes nothing."""
    skips: SkipLog = field(init=False)
    """What operators skipped, as far as this process has read it."""
    accept_loss: bool = False
    """A person said that every task may go on, once, without what Kafka no longer holds."""
    fold_again: bool = False
    """A person said that every task is to fold its rows from the log, once, although they are of this code."""
    opened: set[str] = field(default_factory=set)
    """The names of the tasks that were open in this process: for them, what the person said has been done. A loss that comes later is another one."""

    def __post_init__(self) -> None:
        self.skips = SkipLog(self.settings)

    @property
    def subscribed(self) -> set[str]:
        """What every worker of a group subscribes to: the inputs, and the sagas' inbox, which only later versions read.

        The assignor gives each topic to its own subscribers: were it not subscribed to by all, one number's partitions would part in a rolling upgrade.
        """
        return {*self.inputs, self.settings.topic("saga.order-fulfilment")}

    @property
    def inboxes(self) -> set[str]:
        """The inputs of agents that set timers, their names on the broker."""
        return {topic for topic, handler in self.handlers.items() if handler.agent in self.sleepers}

    @property
    def logs(self) -> tuple[str, ...]:
        """The logs of record, their names on the broker."""
        return tuple(fold.events for fold in self.folds)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic whose identity matters to a task."""
        return (self.settings.changelog, *self.logs, *self.inputs, self.settings.topic("results"), self.settings.topic("parked"))

    @property
    def fingerprint(self) -> str:
        """Of all folds together."""
        return hashlib.sha256("\n".join(sorted(fold.fingerprint for fold in self.folds)).encode()).hexdigest()[:16]

    def store_path(self, partition: int) -> Path:
        """Where the rows of one task are on disk."""
        return self.directory / f"task-{partition}"

    @property
    def directory(self) -> Path:
        """This worker's own directory: workers with different ids may share a data directory."""
        name = f"worker-{self.settings.worker_id}" if self.settings.worker_id else "worker"
        return self.settings.datadir.absolute() / name


class ReadModel(Protocol):
    """Rows that follow from events, kept by one agent in tables that are attributes of the read model: each has them by itself, in every generation."""

    agent: str
    """The name of the agent that folds the events into rows."""
    events: tuple[str, ...]
    """The logs of record that it follows, their names on the broker."""
    fingerprint: str
    """Changes when rows or their fold change: then they are made anew, and not shown until that is done."""


class Subscription(NamedTuple):
    """An agent and a topic that it follows: it has a position of its own, for agents of one topic do not commit together."""

    agent: str
    topic: str

    @property
    def row(self) -> str:
        """The key of its position."""
        return f"{self.agent}/{self.topic}"


@dataclass
class ReadTopology:
    """Read models are added while the application is declared; view tasks read them when they open."""

    write: WriteTopology
    """Settings, measures and the worker's directory are shared with the write side."""
    models: list[ReadModel] = field(default_factory=list)
    handlers: list[RecordHandler] = field(default_factory=list)
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

    def followers(self) -> Iterator[Subscription]:
        """Who follows what."""
        for model in self.models:
            yield from (Subscription(model.agent, topic) for topic in model.events)

    def identity(self, cluster: ClusterIds) -> LogIdentity:
        """That of rows folded from these logs."""
        return LogIdentity(cluster.cluster_id, {topic: cluster.topic_ids[topic] for topic in self.inputs}, self.write.settings.partitions)

    def store_path(self, partition: int) -> Path:
        """Where the rows of one view task are on disk."""
        return self.write.directory / f"view-{partition}"
