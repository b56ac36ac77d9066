"""The composition root: every table and agent by name, and the worker that runs them."""

import asyncio
import logging
import resource

import uvloop

from agents.customer import customer
from agents.order import order
from agents.product import product
from app.admin import refuse_start
from app.domain.deciders import DECIDERS
from app.domain.mapping import check_mapped
from app.kernel.app import app
from app.kernel.application import spare_collector
from app.kernel.directory import lock
from app.settings import settings
from app.web.server import Server

AGENTS = (order, product, customer)

QUIET = {"aiokafka": logging.CRITICAL, "faust": logging.WARNING, "faust.application": logging.ERROR, "mode": logging.WARNING}
"""What is shown of libraries unless FOLDSTREAM_LOG_LEVEL is DEBUG.

aiokafka says every failed connection, the kernel says what came of it; Faust's application misses a sensor at every rebalance.
"""


def run_worker(accept_loss: bool) -> int:  # noqa: FBT001 (the command line's flag)
    """Run one worker until SIGTERM; its exit code. FoldstreamError when it must not start."""
    chosen = settings()
    _log(chosen.log_level)
    check_mapped(DECIDERS)
    held = lock(app.side.directory)
    asyncio.run(refuse_start(chosen))
    app.side.accept_loss = accept_loss
    _raise_file_limit()
    try:
        return _serve(chosen.log_level)
    finally:
        held.close()


def _serve(level: str) -> int:
    uvloop.install()
    app.finalize()
    worker = app.Worker(loglevel=level, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.spinner = None  # it moves the cursor, also in a log file
    server = Server(app)
    app.side.owner = server.owner
    worker.services = [server, *worker.services]
    spare_collector()
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _log(level: str) -> None:
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-8s %(message)s")
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(level if level == "DEBUG" else least)


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
