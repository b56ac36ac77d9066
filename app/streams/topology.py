"""Topologies of the write side and the read side: what their tasks read and write, and how their rows follow from the log."""

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
"""Most requests that may wait for their replies at the same time. The next one is asked to retry later."""


class WorkerAddress(Struct, frozen=True, rename="camel"):
    """URL and id of a worker."""

    url: str
    worker_id: str


class AggregateFold(Protocol):
    """Projection of one aggregate type's events into its rows. The runtime uses it to rebuild a changelog."""

    events: str
    """Name of the log of record on the broker."""
    tables: list[Table[Any]]
    """Tables whose rows are folded from events."""
    fingerprint: str
    """Hash that changes when rows or their fold change."""

    def apply(self, event: ConsumerRecord) -> None:
        """Fold one event into the rows."""

    def accepted(self, event: ConsumerRecord) -> None:
        """Remember the command that caused the event."""

    def answered(self, result: ConsumerRecord) -> None:
        """Remember the command that a result answers, if it was sent to this aggregate type."""


@dataclass
class WriteTopology:
    """Topology of the write side. Inputs and folds are added while the application is declared; tasks read them when they open."""

    settings: Settings
    inputs: list[str] = field(default_factory=list)
    folds: list[AggregateFold] = field(default_factory=list)
    handlers: dict[str, RecordHandler] = field(default_factory=dict)
    """Handlers by input."""
    sleepers: dict[str, TimerHandler] = field(default_factory=dict)
    """Timer handlers by agent."""
    waiters: PendingReplies = field(default_factory=lambda: PendingReplies(WAITING_WRITES))
    """Requests in this process that wait for an agent's reply."""
    measures: WorkerMetrics = field(default_factory=WorkerMetrics)
    """Metrics of this process."""
    owner: WorkerAddress | None = None
    """Address of this worker for others; None before it serves HTTP."""
    repeatable: set[str] = field(default_factory=set)
    """Inputs that may be read again from their beginning: a repeated record changes nothing."""
    skips: SkipLog = field(init=False)
    """Offsets skipped by operators, as far as this process has read them."""
    accept_loss: bool = False
    """True if the operator allows every task to continue, once, without records that Kafka no longer holds."""
    fold_again: bool = False
    """True if the operator wants every task to fold its rows from the log, once, although this code has folded them."""
    opened: set[str] = field(default_factory=set)
    """Names of the tasks that were open in this process. For them the operator's request is done; a later loss needs a new decision."""

    def __post_init__(self) -> None:
        self.skips = SkipLog(self.settings)

    @property
    def inboxes(self) -> set[str]:
        """Inputs of agents that set timers, by their names on the broker."""
        return {topic for topic, handler in self.handlers.items() if handler.agent in self.sleepers}

    @property
    def logs(self) -> tuple[str, ...]:
        """Logs of record, by their names on the broker."""
        return tuple(fold.events for fold in self.folds)

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics whose identity matters to a task."""
        return (self.settings.changelog, *self.logs, *self.inputs, self.settings.topic("results"), self.settings.topic("parked"))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all folds together."""
        return hashlib.sha256("\n".join(sorted(fold.fingerprint for fold in self.folds)).encode()).hexdigest()[:16]

    def store_path(self, partition: int) -> Path:
        """Return the path of one task's rows on disk."""
        return self.directory / f"task-{partition}"

    @property
    def directory(self) -> Path:
        """Directory of this worker. Workers with different ids may share a data directory."""
        name = f"worker-{self.settings.worker_id}" if self.settings.worker_id else "worker"
        return self.settings.datadir.absolute() / name


class ReadModel(Protocol):
    """Rows that one agent projects from events. Its tables are attributes of the read model and belong to no other; every generation has its own rows."""

    agent: str
    """Name of the agent that projects the events into rows."""
    events: tuple[str, ...]
    """Logs of record that it follows, by their names on the broker."""
    fingerprint: str
    """Hash that changes when rows or their projection change. Then the rows are rebuilt, and not served until that is done."""


class Subscription(NamedTuple):
    """An agent and a topic that it follows. Each has its own position, because agents of one topic do not commit together."""

    agent: str
    topic: str

    @property
    def row(self) -> str:
        """Key of its position."""
        return f"{self.agent}/{self.topic}"


@dataclass
class ReadTopology:
    """Topology of the read side. Read models are added while the application is declared; view tasks read them when they open."""

    write: WriteTopology
    """Topology of the write side, which shares its settings, metrics and directory."""
    models: list[ReadModel] = field(default_factory=list)
    handlers: list[RecordHandler] = field(default_factory=list)
    """Handlers of the events, one for each agent."""
    inputs: list[str] = field(default_factory=list)
    """Topics that are followed, each once."""

    def add(self, model: ReadModel) -> None:
        """Add a read model."""
        self.models.append(model)
        self.inputs += [topic for topic in model.events if topic not in self.inputs]

    def followers(self) -> Iterator[Subscription]:
        """Yield every agent with each topic that it follows."""
        for model in self.models:
            yield from (Subscription(model.agent, topic) for topic in model.events)

    def identity(self, cluster: ClusterIds) -> LogIdentity:
        """Return the identity of rows projected from these logs."""
        return LogIdentity(cluster.cluster_id, {topic: cluster.topic_ids[topic] for topic in self.inputs}, self.write.settings.partitions)

    def store_path(self, partition: int) -> Path:
        """Return the path of one view task's rows on disk."""
        return self.write.directory / f"view-{partition}"
