"""Runs the console script as a user would: in a process and an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240


def foldstream(*words: str, stdin: str = "", **settings: object) -> "subprocess.CompletedProcess[str]":
    """Run `foldstream words...` with FOLDSTREAM_<SETTING> for each setting and no other. Return its output and exit code."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOLDSTREAM_")}
    chosen = {f"FOLDSTREAM_{name.upper()}": str(value) for name, value in settings.items()}
    environment = inherited | chosen | {"COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "app", *words], input=stdin, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
