"""A worker that reads on for long behind a request that it refused: a slow client gets to see why."""

import sys

from app.web.http import connection
from bench.alone import run_worker

connection.LINGER_S = 20.0
sys.exit(run_worker(accept_loss=False))
