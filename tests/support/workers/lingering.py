"""Worker that reads on for long behind a request that it refused, so that a slow client sees the reason."""

import sys

from app.web.http import connection
from bench.alone import run_worker

connection.LINGER_S = 20.0
sys.exit(run_worker(accept_loss=False))
