"""Worker without read models, which measures the write side alone.

usage: python -m bench.written
"""

import sys

from app.streams.app import app
from bench.alone import run_worker

for handler in app.view.handlers:
    del app.agents[handler.agent]
app.view.models.clear()
app.view.handlers.clear()
app.view.inputs.clear()

if __name__ == "__main__":
    sys.exit(run_worker(accept_loss=False))
