"""A worker that gives a write, its body included, so much time that a slow machine takes 2,100 of them in before the first is given up."""

import sys

from app.web.gateway import desk
from app.web.http import request_body as body
from bench.alone import run_worker

desk.ANSWER_S, body.BODY_S = 30.0, 40.0
desk.ANSWER_MS = 60_000  # type: ignore[attr-defined]  # it is imported there
sys.exit(run_worker(accept_loss=False))
