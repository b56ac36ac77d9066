"""The console script `foldstream`: every command by name, and what a failure looks like to a person."""

import logging
import sys

import typer

from app.cli import kafka, topics
from app.cli.demo import demo
from app.cli.events import events
from app.cli.replay import replay
from app.cli.send import send
from app.cli.settings import settings
from app.cli.worker import worker
from app.errors import FoldstreamError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help="Event sourcing on Apache Kafka, exactly once.")
app.add_typer(kafka.app, name="kafka")
app.add_typer(topics.app, name="topics")
for command in (demo, replay, worker, send, events, settings):
    app.command()(command)


def main() -> None:
    """Run one command. Exit codes: 0 done, 1 failed (and said why), 2 wrong usage, 130 interrupted."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # a connection that fails is told once, by our own message
    try:
        app()
    except FoldstreamError as error:
        sys.exit(f"foldstream: {error}")
