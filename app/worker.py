"""Composition root: every table and agent by name, and the worker that runs them."""

import asyncio
import logging
import resource
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import uvloop
from faust import Worker as FaustWorker

import agents
from app import log_config as logs
from app.domain import registry
from app.errors import FoldstreamError
from app.handlers.command_handler import CommandHandler
from app.settings import Settings
from app.streams.aiokafka_patches import sender as requests
from app.streams.app import app
from app.streams.application import spare_collector
from app.streams.memory import MemoryTrimmer
from app.streams.state.worker_lock import lock
from app.streams.tasks.environment import claim
from app.topics.admin import check_session, refuse_start
from app.topics.contract import event_topic
from app.web.server import Server

log = logging.getLogger(__name__)

for module in iter_modules(agents.__path__):
    import_module(f"agents.{module.name}")


class Worker(FaustWorker):
    """Faust worker that ends as soon as its services have ended."""

    async def _sentinel_task(self) -> None:
        """Override Faust's sentinel task, which would delay shutdown by one second."""


def check_declared() -> None:
    """Raise FoldstreamError if something in the registry has no agent, no tables or no reaction: it would silently never run."""
    missing = list(_undeclared())
    if missing:
        raise FoldstreamError("the worker lacks what the registry names:", *missing)


def _undeclared() -> Iterator[str]:
    handlers = {handler.agent: handler for handler in app.side.handlers.values()}
    for name in (*(decider.topic for decider in registry.DECIDERS), *(each.name for each in registry.SAGAS)):
        if name not in handlers:
            yield f"no agent handles {name}: declare it in agents/"
    for decider in registry.EVENT_SOURCED:
        if event_topic(app.side.settings, decider.topic) not in app.side.logs:
            yield f"{decider.aggregate_type} has no tables: declare them in tables/{decider.topic}.py"
    for each in (*registry.SAGAS, *registry.POLICIES):
        handler = handlers.get(each.follows.topic)
        if isinstance(handler, CommandHandler) and each.name not in {reaction.name for reaction in handler.followers}:
            yield f"{each.name} does not react to the events of {each.follows.aggregate_type}: declare it in agents/"


def run_worker(accept_loss: bool, *, fold_again: bool = False) -> int:  # noqa: FBT001 (the command line's flag)
    """Run one worker until SIGTERM and return its exit code, 1 if it must not start. Raise FoldstreamError if the settings are wrong."""
    requests.install()
    chosen = app.side.settings
    logs.configure(chosen.log_level, chosen.log_format)
    try:
        app.side.accept_loss, app.side.fold_again = accept_loss, fold_again
        return _run(chosen)
    except FoldstreamError as error:
        for line in error.lines:
            log.critical("the worker does not start: %s", line)
        return 1


def _run(chosen: Settings) -> int:
    held = lock(app.side.directory)
    asyncio.run(_check_topics(chosen))
    _raise_file_limit()
    try:
        return _serve(chosen.log_level)
    finally:
        held.close()


async def _check_topics(chosen: Settings) -> None:
    """Raise FoldstreamError if the topics are wrong or belong to another environment."""
    await refuse_start(chosen)
    await check_session(chosen)
    await claim(chosen)


def _serve(level: str) -> int:
    uvloop.install()
    app.finalize()
    worker = Worker(app, loglevel=level, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # it moves the cursor, also in a log file
    server = Server(app)
    app.side.owner = server.owner
    worker.services = [server, MemoryTrimmer(), *worker.services]
    spare_collector()
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
