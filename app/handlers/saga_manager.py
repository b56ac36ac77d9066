"""Saga manager. It passes an input to the saga and, in the same transaction, writes the saga's events, its commands and its timer."""

from collections.abc import Iterable
from functools import reduce
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from app.eventsourcing.ids import event_id
from app.eventsourcing.saga import SagaDefinition, TimerElapsed
from app.handlers.aggregate_repository import Snapshot
from app.handlers.commands import Causation
from app.handlers.outbox import Outbox
from app.handlers.reactions import EmittedEvents, Trigger, command_topic, heard, origin, send
from app.handlers.saga_repository import SagaRepository
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.streams.processing.context import count
from app.streams.state.store import StateStore
from app.streams.timers.timers import cancel_timer, set_timer
from schemas.fast_envelope import ReplyTo
from schemas.timestamp import milliseconds, rfc3339


class Key(NamedTuple):
    """Substitute for a record when a timer fires."""

    key: bytes
    partition: int


class SagaManager:
    """Manager of one kind of saga. The runtime calls `wake` when the timer of a saga fires."""

    def __init__(self, settings: Settings, name: str, process: SagaDefinition[Any, Any, Any], sagas: SagaRepository, outbox: Outbox) -> None:
        """Create a manager. `name` is the saga's name, as in that of its inbox."""
        self.agent = self.name = name
        self._settings = settings
        self._inbox = settings.topic(f"saga.{name}")
        self._process = process
        self._sagas = sagas
        self._outbox = outbox

    def hear(self, what: object, cause: Trigger, cause_id: str) -> None:
        """Pass an input to a saga. The command or event with the id `cause_id` caused it."""
        before = self._sagas.snapshot(cause.aggregate_id)
        events = self._process.hear(cause.aggregate_id, before.state, what, milliseconds(cause.at))
        if events:
            after = Snapshot(before.version + len(events), reduce(self._process.evolve, events, before.state))
            self._sagas.save(cause.aggregate_id, after, None, None)
            ids = self._event_ids(cause.aggregate_id, cause_id, before.version, len(events))
            self._outbox.events(cause, events, ids, before.version)
            self.follow(EmittedEvents(cause, before, events, ids))

    def follow(self, followed: EmittedEvents) -> None:
        """React to events of a saga, its own and those of an operator's command. Sends the saga's commands and sets its timer."""
        order_id, before = followed.cause.aggregate_id, followed.before.state
        after = self._sagas.snapshot(order_id).state
        for status in self._process.transitions(before, tuple(followed.events)):
            count("saga_transitions", self.agent, status)
        was, now = self._process.react(order_id, before, before), self._process.react(order_id, after, before)
        origins = origin(followed.cause.metadata)
        caused = Causation(origins.correlation_id, followed.event_ids[-1], None, origins.trace_id)
        send(self._settings, now.asks, caused, followed.cause, ReplyTo(self._inbox, order_id))
        if now.asks or now.wake_ms != was.wake_ms:
            self._wake_at(order_id, now.wake_ms)

    def awaits(self, key: str) -> Iterable[TopicPartition]:
        """Yield the partitions of the commands of a saga's open steps."""
        for ask in self._process.react(key, self._sagas.snapshot(key).state).asks:
            topic = command_topic(self._settings, ask)
            yield TopicPartition(topic, partition_of(ask.aggregate_id.encode(), self._settings.partitions))

    def wake(self, key: str, due_ms: int, now_ms: int) -> None:
        """Pass an elapsed timer to a saga, and set the next one. The saga may have to wait longer."""
        waiting = self._process.waiting(key, self._sagas.snapshot(key).state)
        if waiting is not None:
            name = Key(key.encode(), partition_of(key.encode(), self._settings.partitions))
            cause = heard(key, Causation(waiting.correlation_id, waiting.command_id), rfc3339(due_ms), name, [])
            self.hear(TimerElapsed(now_ms), cause, waiting.command_id)
            self._wake_at(key, self._process.react(key, after := self._sagas.snapshot(key).state, after).wake_ms)

    def asleep(self, store: StateStore) -> Iterable[tuple[str, int]]:
        """Yield the sagas that wait, each with the due time of its timer."""
        for order_id, saga in self._sagas.committed(store):
            wake_ms = self._process.react(order_id, saga.state, saga.state).wake_ms
            if wake_ms is not None:
                yield order_id, wake_ms

    def _wake_at(self, order_id: str, wake_ms: int | None) -> None:
        if wake_ms is None:
            cancel_timer(self.agent, order_id)
        else:
            set_timer(self.agent, order_id, wake_ms)

    def _event_ids(self, order_id: str, cause_id: str, version: int, count: int) -> list[str]:
        """Derive the ids of the events that follow version `version` of a saga.

        One cause may lead to several, so the version tells them apart. Ids never contain a slash.
        """
        kind = self._sagas.decider.aggregate_type
        return [event_id(kind, order_id, f"{cause_id}/{version}", index) for index in range(count)]
