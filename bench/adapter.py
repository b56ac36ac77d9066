"""Adapter that runs Foldstream under a driver that compares engines. The driver gives one job by environment variables and knows nothing of Foldstream.

usage: BENCH_BOOTSTRAP=... BENCH_INPUT=... BENCH_OUTPUT=... BENCH_GROUP=... BENCH_STATE_DIR=... [BENCH_PARTITIONS=4] python -P -m bench.adapter

`-P`: the driver's working directory may contain a `bench.py` of its own.

The job: BENCH_INPUT has commands (`event_id`, `event_type` PlaceOrder, `aggregate_id`, `payload` ...), any number to one aggregate. All are accepted.
BENCH_OUTPUT gets each command's fields with `event_type` OrderPlaced and the next `version`. A small application on Foldstream's tasks does the job,
with the same handler, tables and outbox as the worker's orders: it writes results, stored command ids, integration events, notifications and headers.
It converts commands to the contract's form before the handler and events to the job's form after it, a cost that an ordinary worker does not have.
No read model follows the events, because they do not have the contract's form, and the application serves no HTTP.
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
from app.domain.integration_events import ORDERS
from app.eventsourcing.decider import Decider, by_name
from app.eventsourcing.integration_event import Publication
from app.handlers.aggregate_repository import AggregateRepository, Answers, Snapshot
from app.handlers.command_handler import CommandHandler
from app.handlers.outbox import Outbox
from app.settings import Settings
from app.streams.aiokafka_patches import sender as requests
from app.streams.application import Application, application, spare_collector
from app.streams.processing.context import current
from app.streams.processing.handlers import RecordHandler
from app.topics.admin import apply
from schemas.envelopes import Command, Event, Message
from schemas.fields import Currency, Id, Money, Quantity, Total


class Names(Settings):
    """Settings with Foldstream's topics under a prefix of their own, except for the two topics that the driver created."""

    job_input: str
    job_output: str

    def topic(self, name: str) -> str:
        """Return the name on the broker of a topic of the contract."""
        return {"commands.order": self.job_input, "events.order": self.job_output}.get(name) or super().topic(name)


class Line(Message):
    """Line of the job's orders. Its fields are in snake case on the wire, too."""

    model_config = ConfigDict(alias_generator=None)

    sku: Id
    quantity: Quantity
    unit_price: Money


class PlaceOrder(Command):
    """The job's only command."""

    model_config = ConfigDict(alias_generator=None)

    customer_id: Id
    items: list[Line]
    total_amount: Total
    currency: Currency


class OrderPlaced(Event):
    """The job's only event. It has the fields of the command."""

    model_config = ConfigDict(alias_generator=None)

    customer_id: Id
    items: list[Line]
    total_amount: Total
    currency: Currency


class Placed(Struct, frozen=True):
    """Order that was placed once or many times."""

    status: str
    total: int


def decide(command: PlaceOrder, _order: Placed | None, _detail: None, _at: str) -> tuple[OrderPlaced]:
    """Accept every command."""
    return (OrderPlaced(customer_id=command.customer_id, items=command.items, total_amount=command.total_amount, currency=command.currency),)


def evolve(_order: Placed | None, event: OrderPlaced) -> Placed:
    """Apply an event: the last one counts."""
    return Placed("placed", event.total_amount)


decider: Decider[PlaceOrder, OrderPlaced, Placed | None, None] = Decider(
    aggregate_type="Order",
    topic="order",
    commands=by_name(PlaceOrder),
    events=by_name(OrderPlaced),
    initial=None,
    decide=decide,
    evolve=evolve,
    publication=Publication({"OrderPlaced": ORDERS.events["OrderPlaced"]}, ORDERS.source, ORDERS.key_field, ORDERS.notification_type),
)


class Told(Struct):
    """Metadata of a command of the job."""

    correlation_id: str
    causation_id: str
    user_id: str


class Given(Struct):
    """Command of the job, limited to the fields that are needed."""

    event_id: str
    event_type: str
    aggregate_id: str
    aggregate_type: str
    timestamp: str
    metadata: Told
    payload: Raw


class Recorded(Struct, rename="camel"):
    """Event in the contract's form, limited to the fields that the job needs."""

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
    """Foldstream's command handler, with conversions from and to the job's forms."""

    def __init__(self, commands: CommandHandler, output: str) -> None:
        self.agent = commands.agent
        self._commands = commands
        self._output = output

    def __call__(self, record: ConsumerRecord) -> None:
        """Process a command of the job, as RecordHandler requires."""
        outgoing = current.get().outgoing
        begin, given = len(outgoing), _given(record.value)
        self._commands(_rewritten(record, given))
        outgoing[begin:] = [
            written._replace(value=_as_job(written.value, given.event_id)) if written.topic == self._output and written.value else written
            for written in outgoing[begin:]
        ]

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Do nothing: no sender waits for a reply."""


def _rewritten(record: ConsumerRecord, given: Given) -> ConsumerRecord:
    """Convert a command to the contract's form."""
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
    """Convert an event to the job's form, in which its id is the command's."""
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
    """Declare the application that does the job."""
    app = application(settings)
    aggregate = AggregateRepository(app, decider, app.Table("order", value_type=Snapshot[Placed]), app.Table("order-answer", value_type=Answers))
    handler: RecordHandler = app.handles("order", Job(CommandHandler(aggregate, Outbox(settings, decider, ())), settings.job_output))

    @app.agent(app.commands("order"), isolated_partitions=True, name="order")
    async def order(batches: Any) -> None:  # noqa: ANN401 (Faust's stream of batches)
        with suppress(asyncio.CancelledError):
            async for event in batches.noack().events():
                await app.process(event.value, handler)

    return app


def names(environment: Mapping[str, str]) -> Names:
    """Convert the driver's variables to settings."""
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
    requests.install()
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
