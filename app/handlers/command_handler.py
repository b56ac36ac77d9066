"""Command handlers of aggregates, and the loop of every agent. Commands become events, results and further commands; events become rows of read models."""

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRecord

from app.eventsourcing.decide import CommandInput, CurrentState, respond
from app.eventsourcing.decider import Decider
from app.eventsourcing.ids import event_id
from app.handlers.aggregate_repository import AggregateRepository, Answers, CommandOutcome, Snapshot
from app.handlers.commands import ReceivedCommand, UndecodableCommand, peek, receive
from app.handlers.event_handler import EventHandler, FeedJoinHandler, JoinedModel, Projection
from app.handlers.outbox import Duplicate, Outbox
from app.handlers.reactions import EmittedEvents, Reaction
from app.streams.app import app
from app.streams.parking.record import Park
from app.streams.processing.handlers import RecordHandler
from schemas.envelopes import Refusal
from schemas.fields import DOTS

Batches = Any
"""Faust's stream of batches."""


def outbox(decider: Decider) -> Outbox:
    """Return the outbox of an aggregate type. Its commands may ask for a reply to any saga's inbox."""
    return Outbox(app.side.settings, decider, app.side.repeatable)


def handler(aggregate: AggregateRepository) -> "CommandHandler":
    """Register the command handler of an aggregate type. Called once."""
    return app.handles(aggregate.decider.topic, CommandHandler(aggregate, outbox(aggregate.decider)))


def follower(model: Projection[Any]) -> EventHandler:
    """Register the handler that projects events into a read model. Called once."""
    return app.follows(EventHandler(model))


def joiner(model: JoinedModel[Any]) -> FeedJoinHandler:
    """Register the handler of a read model that also reads feeds. Called once."""
    return app.follows(FeedJoinHandler(model))


async def serve(batches: Batches, handler: RecordHandler) -> None:
    """Hand over batch by batch, as long as the worker runs."""
    with suppress(asyncio.CancelledError):  # Faust cancels the loop when its partition is revoked, and would take that for a crash
        async for event in batches.noack().events():
            await app.process(event.value, handler)


class CommandHandler:
    """Handler of commands to one aggregate type. The task calls it inside its transaction, once for each command."""

    def __init__(self, aggregate: AggregateRepository, outbox: Outbox) -> None:
        self.followers: list[Reaction] = []
        self.agent = aggregate.decider.topic
        self._aggregate = aggregate
        self._decider: Decider = aggregate.decider
        self._outbox = outbox

    def __call__(self, record: ConsumerRecord) -> None:
        """Handle a command. Raises Park when the record is no command that could be answered."""
        try:
            command = receive(self._decider, record)
        except UndecodableCommand as error:
            raise Park(error.reason, str(error)) from error
        known, order_id, window = self._aggregate.answered_before(command.aggregate_id, command.order_id, command.command_id)
        if known is None:
            self._answer(command, window)
        else:
            same = known.body in {"", command.body()}
            self._outbox.result(command, known, self._event_ids(command, known.events, order_id), repeats=Duplicate(same_body=same))

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Write the result of a command that was parked, if its id can be read."""
        command = peek(self._decider, record)
        if command is not None:
            self._outbox.parked(command, reason, error)

    def _answer(self, command: ReceivedCommand, window: Answers) -> None:
        before = self._aggregate.snapshot(command.aggregate_id)
        refusal = self._objection(command) or _unnameable(command, before)
        answered, event_ids = self._decide(command, before) if refusal is None else (_refused(command, before.version, refusal), [])
        self._aggregate.remember(command.aggregate_id, command.order_id, command.command_id, answered, window)
        self._outbox.result(command, answered, event_ids)

    def _objection(self, command: ReceivedCommand) -> Refusal | None:
        """Return the refusal of a command that is at fault by itself, whatever the state of its aggregate."""
        return command.refusal or self._outbox.misdirected(command)

    def _decide(self, command: ReceivedCommand, before: Snapshot[Any]) -> tuple[CommandOutcome, list[str]]:
        asked = CommandInput(command.command_type, command.payload, command.expected_version)
        detail = self._aggregate.detail(command.aggregate_id, command.order_id) if before.version else None  # an aggregate without events has no details
        decided = respond(self._decider, asked, CurrentState(before.version, before.state, detail), command.at)
        if decided.refusal is not None:
            return _refused(command, before.version, decided.refusal), []
        version, event_ids = before.version + len(decided.events), self._event_ids(command, len(decided.events), command.order_id)
        self._aggregate.save(command.aggregate_id, Snapshot(version, decided.root), command.order_id, decided.detail)
        self._outbox.events(command, decided.events, event_ids, before.version)
        for follower in self.followers:
            follower.follow(EmittedEvents(command, before, decided.events, event_ids))
        return CommandOutcome(version, len(decided.events), command=command.command_type, body=command.body()), event_ids

    def _event_ids(self, command: ReceivedCommand, count: int, order_id: str | None) -> list[str]:
        kind = self._decider.aggregate_type
        return [event_id(kind, command.aggregate_id, command.command_id, index, order_id) for index in range(count)]


def _unnameable(command: ReceivedCommand, before: Snapshot[Any]) -> Refusal | None:
    """Return the refusal of an id that no new aggregate may have."""
    if before.version or command.aggregate_id not in DOTS:
        return None
    return Refusal(code="invalid", message=f"aggregateId: nothing new can be called {command.aggregate_id}: clients and proxies take it out of a URL's path")


def _refused(command: ReceivedCommand, version: int, refusal: Refusal) -> CommandOutcome:
    return CommandOutcome(version, 0, refusal.code, refusal.message, refusal.state, command.command_type, command.body())
