"""Foldstream under a driver that compares engines: one job, given by environment variables, that knows nothing of Foldstream.

usage: BENCH_BOOTSTRAP=... BENCH_INPUT=... BENCH_OUTPUT=... BENCH_GROUP=... BENCH_STATE_DIR=... [BENCH_PARTITIONS=4] python -P -m bench.adapter

`-P`: a driver may have a `bench.py` of its own in the directory in which it starts this.

The job: BENCH_INPUT has commands (`event_id`, `event_type` PlaceOrder, `aggregate_id`, `payload` ...), any number to one aggregate, all of them accepted;
BENCH_OUTPUT gets for each the same with `event_type` OrderPlaced and the next `version`. What serves it is a small application on Foldstream's tasks, with the
same handler, tables and outbox as the worker's orders: results, remembered command ids, integration events, notifications and headers are written.
Its commands are rewritten to the contract's form before the handler, and its events to the job's behind it, which a worker of one's own would not pay.
No read model follows the events, for they are not of the contract's form, and no HTTP is served.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiokafka import ConsumerRecord
from msgspec import Raw, Struct
from pydantic import ConfigDict

from app import log_config as logs
from app.eventsourcing.decider import Decider, by_name
from app.handlers.aggregate_repository import AggregateRepository, Answers, Snapshot
from app.handlers.command_handler import CommandHandler
from app.handlers.outbox import Outbox
from app.settings import Settings
from app.streams.application import Application, application, spare_collector
from app.streams.processing.context import current
from app.streams.processing.handlers import RecordHandler
from app.topic_admin import apply
from schemas.envelopes import Command, Event, Message
from schemas.fields import Currency, Id, Money, Quantity, Total


class Names(Settings):
    """Foldstream's topics under a prefix of their own, but for the two that the driver made."""

    job_input: str
    job_output: str

    def topic(self, name: str) -> str:
        """The name on the broker of a topic of the contract."""
        return {"commands.order": self.job_input, "events.order": self.job_output}.get(name) or super().topic(name)


class Line(Message):
    """A line of the job's orders; its fields are in snake case on the wire, too."""

    model_config = ConfigDict(alias_generator=None)

    sku: Id
    quantity: Quantity
    unit_price: Money


class PlaceOrder(Command):
    """The job's one command."""

    model_config = ConfigDict(alias_generator=None)

    customer_id: Id
    items: list[Line]
    total_amount: Total
    currency: Currency


class OrderPlaced(Event):
    """The job's one event; it says what the command said."""

    model_config = ConfigDict(alias_generator=None)

    customer_id: Id
    items: list[Line]
    total_amount: Total
    currency: Currency


class Placed(Struct, frozen=True):
    """An order, placed once or many times."""

    status: str
    total: int


def decide(command: PlaceOrder, _order: Placed | None, _detail: None, _at: str) -> tuple[OrderPlaced]:
    """Every command is accepted."""
    return (OrderPlaced(customer_id=command.customer_id, items=command.items, total_amount=command.total_amount, currency=command.currency),)


def evolve(_order: Placed | None, event: OrderPlaced) -> Placed:
    """Fold: the last event counts."""
    return Placed("placed", event.total_amount)


decider: Decider[PlaceOrder, OrderPlaced, Placed | None, None] = Decider(
    aggregate_type="Order", topic="order", commands=by_name(PlaceOrder), events=by_name(OrderPlaced), initial=None, decide=decide, evolve=evolve
)


class Told(Struct):
    """What a command of the job says about itself."""

    correlation_id: str
    causation_id: str
    user_id: str


class Given(Struct):
    """A command of the job; all else that it says is not needed."""

    event_id: str
    event_type: str
    aggregate_id: str
    aggregate_type: str
    timestamp: str
    metadata: Told
    payload: Raw


class Recorded(Struct, rename="camel"):
    """An event as the contract has it, as far as the job wants it."""

    event_type: str
    aggregate_id: str
    aggregate_type: str
    version: int
    timestamp: str
    metadata: dict[str, str]
    payload: Raw


_given = msgspec.json.Decoder(Given).decode
_recorded = msgspec.json.Decoder(Recorded).decode


class Job:
    """Foldstream's handler of commands, with the job's forms before and behind it."""

    def __init__(self, commands: CommandHandler, output: str) -> None:
        self.agent = commands.agent
        self._commands = commands
        self._output = output

    def __call__(self, record: ConsumerRecord) -> None:
        """Process a command of the job, as Handler says."""
        outgoing = current.get().outgoing
        begin, given = len(outgoing), _given(record.value)
        self._commands(_rewritten(record, given))
        outgoing[begin:] = [
            written._replace(value=_as_job(written.value, given.event_id)) if written.topic == self._output and written.value else written
            for written in outgoing[begin:]
        ]

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Nobody waits."""


def _rewritten(record: ConsumerRecord, given: Given) -> ConsumerRecord:
    """The command in the contract's form."""
    told = given.metadata
    head = (
        f'{{"commandId":"{given.event_id}","commandType":"{given.event_type}","aggregateId":"{given.aggregate_id}","aggregateType":"{given.aggregate_type}",'
        f'"timestamp":"{given.timestamp}","metadata":{{"correlationId":"{told.correlation_id}","causationId":"{told.causation_id}","userId":"{told.user_id}"}},'
        f'"payload":'
    )
    value = b"%b%b}" % (head.encode(), given.payload)
    return ConsumerRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.timestamp_type, record.key, value, None, -1, len(value), record.headers
    )


def _as_job(value: bytes, event_id: str) -> bytes:
    """The event in the job's form; there, its id is the command's."""
    event = _recorded(value)
    said: dict[str, Any] = {
        "event_id": event_id,
        "event_type": event.event_type,
        "aggregate_id": event.aggregate_id,
        "aggregate_type": event.aggregate_type,
        "version": event.version,
        "timestamp": event.timestamp,
        "metadata": event.metadata,
        "payload": event.payload,
    }
    return msgspec.json.encode(said)


def declared(settings: Names) -> Application:
    """The application that does the job."""
    app = application(settings)
    aggregate = AggregateRepository(app, decider, app.Table("order", value_type=Snapshot[Placed]), app.Table("order-answer", value_type=Answers))
    handler: RecordHandler = app.handles("order", Job(CommandHandler(aggregate, Outbox(settings, decider)), settings.job_output))

    @app.agent(app.commands("order"), isolated_partitions=True, name="order")
    async def order(batches: Any) -> None:  # noqa: ANN401 (Faust's stream of batches)
        with suppress(asyncio.CancelledError):
            async for event in batches.noack().events():
                await app.process(event.value, handler)

    return app


def names(environment: Mapping[str, str]) -> Names:
    """What the driver's variables mean here."""
    return Names(
        broker=environment["BENCH_BOOTSTRAP"],
        datadir=Path(environment["BENCH_STATE_DIR"]),
        app_id=environment["BENCH_GROUP"],
        topic_prefix=f"{environment['BENCH_GROUP']}.",
        partitions=int(environment.get("BENCH_PARTITIONS", "4")),
        replication=1,
        session_timeout_s=int(environment.get("SESSION_MS", "10000")) / 1000,
        job_input=environment["BENCH_INPUT"],
        job_output=environment["BENCH_OUTPUT"],
    )


def main() -> None:
    """Do the job until SIGTERM."""
    settings = names(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(apply(settings))
    uvloop.install()
    app = declared(settings)
    app.finalize()
    worker = app.Worker(loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None
    spare_collector()
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
