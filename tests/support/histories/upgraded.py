"""Worker of a later version: some aggregate types and read models have other fingerprints, so that their rows are rebuilt.

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
