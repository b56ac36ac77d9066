"""Worker with long timeouts for writes and their bodies, so that a slow machine takes in 2,100 writes before the first times out."""

import sys

from app.web.gateway import commands
from app.web.http import request_body as body
from bench.alone import run_worker

commands.ANSWER_S, body.BODY_S = 30.0, 40.0
commands.ANSWER_MS = 60_000  # type: ignore[attr-defined]  # it is imported there
sys.exit(run_worker(accept_loss=False))
