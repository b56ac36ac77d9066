"""The table of guarantees names what is there: each row its mechanism, its test, and a negative control, or in words why there is none."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NONE = "none: "
"""Before the reason why a guarantee has no control."""


class Row(NamedTuple):
    """One guarantee."""

    guarantee: str
    mechanism: str
    test: str
    control: str


ROWS = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in PAGE.splitlines() if line.startswith("| ")][1:]


def files(cell: str, *before: str) -> list[Path]:
    """The files that a cell names; one without a folder is in that of the path before it, in this cell or those `before`."""
    found, folders = list[Path](), [Path(path).parent for path in _paths(" ".join(before)) if "/" in path]
    for path in _paths(cell):
        folders += [Path(path).parent] if "/" in path else []
        found.append(Path(path) if "/" in path else folders[-1] / path)
    return found


def _paths(text: str) -> list[str]:
    return re.findall(r"`([\w./-]+\.py)`", text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.guarantee[:60])
def test_every_file_that_a_row_names_is_there(row: Row) -> None:
    named = [*files(row.mechanism), *files(row.test), *files(row.control, row.test)]

    assert [str(path) for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.guarantee[:60])
def test_every_row_has_a_test_and_a_control_that_make_controls_runs(row: Row) -> None:
    controls = files(row.control, row.test)

    assert files(row.test) != []
    assert controls or row.control.startswith(NONE)
    assert [str(path) for path in controls if "pytest.mark.control" not in (ROOT / path).read_text(encoding="utf-8")] == []
