"""Inbox of a saga: results of its commands, and commands of operators."""

from typing import Literal

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct

from app.eventsourcing.saga import CommandResult
from app.handlers.command_handler import CommandHandler
from app.handlers.commands import Causation, ReceivedCommand
from app.handlers.reactions import heard
from app.handlers.saga_manager import SagaManager
from schemas.envelopes import Refusal
from schemas.timestamp import rfc3339


class _Origin(Struct, rename="camel"):
    correlation_id: str
    trace_id: str | None = None


class _Refusal(Struct):
    code: str
    message: str
    state: str | None = None


class _Result(Struct, rename="camel"):
    command_id: str
    command_type: str
    aggregate_id: str
    outcome: Literal["accepted", "refused", "parked"]
    metadata: _Origin
    refusal: _Refusal | None = None


_result = msgspec.json.Decoder(_Result).decode


class OperatorCommandHandler(CommandHandler):
    """Handler of operators' commands."""

    def _objection(self, command: ReceivedCommand) -> Refusal | None:
        return super()._objection(command) or _nobody(command)


class SagaInbox:
    """Handler of an inbox. It passes a result to its saga, and any other record to the handler of operators' commands."""

    def __init__(self, conductor: SagaManager, operators: OperatorCommandHandler) -> None:
        self.agent = conductor.agent
        self._conductor = conductor
        self._operators = operators

    def __call__(self, record: ConsumerRecord) -> None:
        """Handle a result or a command. Raises Park when the record is neither."""
        result = _read(record)
        if result is None:
            self._operators(record)
        else:
            self._hear(record, result)

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Notify an operator that a command was parked. No sender waits for the outcome of a result."""
        if _read(record) is None:
            self._operators.parked(record, reason, error)

    def _hear(self, record: ConsumerRecord, result: _Result) -> None:
        refusal = None if result.refusal is None else Refusal.model_validate(msgspec.structs.asdict(result.refusal))
        reply = CommandResult(result.command_id, result.command_type, result.aggregate_id, result.outcome, refusal)
        caused = Causation(result.metadata.correlation_id, result.command_id, None, result.metadata.trace_id)
        cause = heard(record.key.decode(errors="replace"), caused, rfc3339(record.timestamp), record, record.headers)
        self._conductor.hear(reply, cause, result.command_id)


def _read(record: ConsumerRecord) -> _Result | None:
    """Decode the result in a record; None when it is none."""
    if record.key is None or record.value is None:
        return None
    try:
        return _result(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _nobody(command: ReceivedCommand) -> Refusal | None:
    """Return the refusal of a command that names no user."""
    if msgspec.json.decode(command.metadata, type=Causation).user_id is not None:
        return None
    return Refusal(code="invalid", message="metadata.userId: an operator says who it is")
