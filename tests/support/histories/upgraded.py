"""The worker of a later version: it folds the rows of some aggregate types and read models in another way, so that they are rebuilt.

usage: python -m tests.support.histories.upgraded VERSION
"""

import sys

from app.streams.app import app
from app.worker import run_worker

version = sys.argv[1]
for number, fold in enumerate(app.side.folds, int(version)):
    if number % 2:  # not all of them change in each version
        fold.fingerprint += f", version {version}"
for number, model in enumerate(app.view.models, int(version)):
    if number % 2:
        model.fingerprint += f", version {version}"
sys.exit(run_worker(accept_loss=False))
