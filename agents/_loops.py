"""The loop behind every command agent: batches of commands in, everything they cause out, in the task's transaction."""

from typing import Any

from aiokafka import ConsumerRecord

from agents._command import Received, Unreadable, peek, receive
from agents._outgoing import Outbox
from app.domain.answer import Asked, Standing, respond
from app.domain.decider import Decider
from app.domain.ids import event_id
from app.kernel.app import app
from app.kernel.parking import Park
from schemas.message import Refusal
from tables.aggregate import Aggregate, Answered, Snapshot

Batches = Any
"""Faust's stream of batches."""


async def serve(batches: Batches, aggregate: Aggregate) -> None:
    """Answer the commands of an aggregate type, batch by batch, as long as the worker lives."""
    commands = Commands(aggregate, Outbox(app.side.settings, aggregate.decider))
    async for event in batches.noack().events():
        await app.process(event.value, commands)


class Commands:
    """Answers one command at a time; the task calls it inside its transaction."""

    def __init__(self, aggregate: Aggregate, outbox: Outbox) -> None:
        self._aggregate = aggregate
        self._decider: Decider = aggregate.decider
        self._outbox = outbox

    def __call__(self, record: ConsumerRecord) -> None:
        """Answer a command; Park when it is none."""
        try:
            command = receive(self._decider, record)
        except Unreadable as error:
            raise Park(error.reason, str(error)) from error
        known = self._aggregate.answered_before(command.aggregate_id, command.order_id, command.command_id)
        if known is None:
            self._answer(command)
        else:
            self._outbox.result(command, known, _event_ids(self._decider, command, known), duplicate=True)

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Whoever can be told that the command was parked is told."""
        command = peek(self._decider, record)
        if command is not None:
            self._outbox.parked(command, reason, error)

    def _answer(self, command: Received) -> None:
        before = self._aggregate.snapshot(command.aggregate_id)
        answered = self._decide(command, before)
        self._aggregate.remember(command.aggregate_id, command.order_id, command.command_id, answered)
        self._outbox.result(command, answered, _event_ids(self._decider, command, answered))

    def _decide(self, command: Received, before: Snapshot[Any]) -> Answered:
        refusal = command.refusal or self._outbox.misdirected(command)
        if refusal is not None:
            return _refused(before.version, refusal)
        asked = Asked(command.command_type, command.payload, command.expected_version)
        standing = Standing(before.version, before.state, self._aggregate.detail(command.aggregate_id, command.order_id))
        decided = respond(self._decider, asked, standing, command.at)
        if decided.refusal is not None:
            return _refused(before.version, decided.refusal)
        version = before.version + len(decided.events)
        self._aggregate.save(command.aggregate_id, Snapshot(version, decided.root), command.order_id, decided.detail)
        self._outbox.events(command, decided.events, before.version)
        return Answered(version, len(decided.events))


def _refused(version: int, refusal: Refusal) -> Answered:
    return Answered(version, 0, refusal.code, refusal.message, refusal.state)


def _event_ids(decider: Decider, command: Received, answered: Answered) -> list[str]:
    return [event_id(decider.aggregate_type, command.aggregate_id, command.command_id, index) for index in range(answered.events)]
