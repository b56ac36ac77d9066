"""The Faust application: `app.Table(...)` and `@app.agent(...)` as in any Faust application, run by tasks."""

import gc
import logging
from typing import Any, TypeVar, cast

import faust

from app.settings import Settings
from app.streams.kafka.timeouts import JOIN_S
from app.streams.processing.handlers import RecordHandler, TimerHandler
from app.streams.processing.record_queue import RecordBatch
from app.streams.runtime.task_manager import TaskManager
from app.streams.runtime.transport import Consumer, Transport
from app.streams.state.table import Table
from app.streams.topology import AggregateFold, ReadModel, ReadTopology, Subscription, WriteTopology

AnyHandler = TypeVar("AnyHandler", bound=RecordHandler)
AnySleeper = TypeVar("AnySleeper", bound=TimerHandler)

GC_THRESHOLD = 300_000
"""Objects allocated before a garbage collection. Messages are short-lived and acyclic; with Python's default, scanning for cycles costs a tenth of the time."""


class BatchTopic(faust.Topic):
    """Topic that passes a batch to the agent without decoding it."""

    async def decode(self, message: Any, *, propagate: bool = False) -> Any:  # noqa: ANN401 (Faust's own signature)
        """Return the event whose value is the RecordBatch."""
        del propagate
        return self._create_event(None, message.value, headers=None, message=message)


class Application(faust.App):
    """Faust application whose agents receive batches and whose tables are transactional."""

    side: WriteTopology
    view: ReadTopology
    tables: TaskManager
    consumer: Consumer
    logger = logging.getLogger("faust.application")

    def Table(self, name: str, *, value_type: Any, **faust: Any) -> Table[Any]:  # type: ignore[override]  # noqa: ANN401, N802 (Faust's own name)
        """Declare a transactional table whose rows are of `value_type`."""
        return cast("Table[Any]", super().Table(name, value_type=value_type, **faust))

    def commands(self, kind: str) -> BatchTopic:
        """Declare the command topic of one aggregate type as an input, for `@app.agent(...)`."""
        return self._input(self.side.settings.topic(f"commands.{kind}"))

    def inbox(self, saga: str) -> BatchTopic:
        """Declare the inbox of a saga as an input, for `@app.agent(...)`. It may be read again from its beginning."""
        name = self.side.settings.topic(f"saga.{saga}")
        self.side.repeatable.add(name)
        return self._input(name)

    def events(self, model: ReadModel) -> BatchTopic:
        """Declare a read model and return the topics of its events, for `@app.agent(...)`."""
        self.view.add(model)
        return self._batches(*model.events)

    def handles(self, kind: str, handler: AnyHandler) -> AnyHandler:
        """Declare the handler of the commands to one aggregate type."""
        return self._handles(f"commands.{kind}", handler)

    def conducts(self, saga: str, handler: AnyHandler) -> AnyHandler:
        """Declare the handler of a saga's inbox."""
        return self._handles(f"saga.{saga}", handler)

    def follows(self, handler: AnyHandler) -> AnyHandler:
        """Declare the handler that projects events into a read model."""
        self.view.handlers.append(handler)
        return handler

    def wakes(self, sleeper: AnySleeper) -> AnySleeper:
        """Declare the handler of an agent's timers."""
        self.side.sleepers[sleeper.agent] = sleeper
        return sleeper

    def folds(self, fold: AggregateFold) -> None:
        """Declare how the rows of an aggregate type follow from its events."""
        self.side.folds.append(fold)

    def followed(self) -> list[Subscription]:
        """Return every agent with each topic that it reads."""
        return [*(Subscription(topic.rpartition(".")[2], topic) for topic in self.side.inputs), *self.view.followers()]

    def _input(self, name: str) -> BatchTopic:
        self.side.inputs.append(name)
        return self._batches(name)

    def _handles(self, topic: str, handler: AnyHandler) -> AnyHandler:
        self.side.handlers[self.side.settings.topic(topic)] = handler
        return handler

    def _batches(self, *names: str) -> BatchTopic:
        topic = self.topic(*names, key_type=bytes, value_type=bytes, acks=False, key_serializer="raw", value_serializer="raw")
        topic.__class__ = BatchTopic
        return cast("BatchTopic", topic)

    def _create_directories(self) -> None:
        """Create nothing: Faust keeps nothing on disk here; the tasks do."""

    async def process(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Run `handler` over a batch inside its task's next transaction; return when that is committed."""
        await self.tables.process(batch, handler)


def application(settings: Settings) -> Application:
    """Create the application for these settings. Agents and tables are declared on it."""
    rebalance_s = max(10.0, settings.session_timeout_s)
    app = Application(
        settings.app_id,
        broker=[f"kafka://{address}" for address in settings.bootstrap.split(",")],
        store="memory://",
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replicas,
        topic_allow_declare=False,
        topic_disable_leader=True,
        autodiscover=False,
        web_enabled=False,
        stream_wait_empty=False,
        consumer_auto_offset_reset="none",
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=min(3.0, settings.session_timeout_s / 5),
        broker_rebalance_timeout=rebalance_s,
        broker_request_timeout=rebalance_s + JOIN_S,
        broker_max_poll_interval=300.0,
        worker_redirect_stdouts=False,
        Table=Table,
    )
    app.side = WriteTopology(settings)
    app.view = ReadTopology(app.side)
    app.tables = TaskManager(app, app.side, app.view, lambda: app.consumer)
    app.transport = Transport(app, app.tables, settings)
    return app


def spare_collector() -> None:
    """Make garbage collection rare once everything is imported and declared. What exists by then is excluded from it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)
