"""Agreement of answers with /openapi.json: nothing undocumented, and nothing accepted that it excludes (contract, section 4)."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from app.web.examples import EXAMPLES
from tests.support.http.client import Client

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "documented_code",
]
"""Schemathesis's checks. 503 is allowed where it is documented (`schemathesis.toml`); `codes.py` defines the last check."""

COMMAND = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run"]
HOOKED = os.environ | {"SCHEMATHESIS_HOOKS": "tests.system.http.codes", "PYTHONPATH": str(Path(__file__).parents[3])}
BOUNDED = ["--max-examples", "12", "--request-timeout", "40", "--seed", "1", "--no-shrink", "--continue-on-failure", "--no-color"]
"""Options; the timeout is longer than Schemathesis's default, because a read may wait."""


async def nothing_undocumented(alone: Client, tmp_path: Path, *words: str) -> None:
    """Assert that Schemathesis finds nothing, with these further arguments."""
    asked = [*COMMAND, f"{alone.worker.url}/openapi.json", "--checks", ",".join(CHECKS), *BOUNDED, *words]
    done = await asyncio.to_thread(subprocess.run, asked, cwd=tmp_path, env=HOOKED, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]


@pytest.mark.long
@pytest.mark.timeout(700)
async def test_schemathesis_finds_nothing_undocumented_in_what_a_worker_answers(alone: Client, tmp_path: Path) -> None:
    await nothing_undocumented(alone, tmp_path)


@pytest.mark.parametrize("model", EXAMPLES)
def test_every_example_fits_its_model(model: type[BaseModel]) -> None:
    assert model.model_validate(EXAMPLES[model], by_alias=True, by_name=False)
