"""Commands of the console script by name."""

import logging

import typer

from app.cli import kafka, parked, saga, topics
from app.cli.demo import demo
from app.cli.events import events
from app.cli.rebuild import rebuild
from app.cli.replay import replay
from app.cli.send import send
from app.cli.settings import settings
from app.cli.skip import skip
from app.cli.verify import verify
from app.cli.worker import worker

logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # a failed connection is reported once, by our own message

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help="Event sourcing on Apache Kafka, exactly once.")
app.add_typer(kafka.app, name="kafka")
app.add_typer(topics.app, name="topics")
app.add_typer(parked.app, name="parked")
app.add_typer(saga.app, name="saga")
for command in (demo, replay, worker, send, events, skip, rebuild, verify, settings):
    app.command()(command)
