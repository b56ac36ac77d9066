"""The table of guarantees: each row names its mechanism, its test, and a negative control, or says why it has none."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NONE = "none: "
"""Prefix of the reason why a guarantee has no control."""


class Row(NamedTuple):
    """One guarantee."""

    guarantee: str
    mechanism: str
    test: str
    control: str


ROWS = [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in PAGE.splitlines() if line.startswith("| ")][1:]


def files(cell: str, *before: str) -> list[Path]:
    """Return the files that a cell names. A name without a folder is in the folder of the path before it, in this cell or in those `before`."""
    found, folders = list[Path](), [Path(path).parent for path in _paths(" ".join(before)) if "/" in path]
    for path in _paths(cell):
        folders += [Path(path).parent] if "/" in path else []
        found.append(Path(path) if "/" in path else folders[-1] / path)
    return found


def _paths(text: str) -> list[str]:
    return re.findall(r"`([\w./-]+\.py)`", text)


LONGEST = 160
"""Characters of a cell: what is longer cannot be scanned, and is two guarantees."""


def test_cells_can_be_scanned() -> None:
    assert [cell for row in ROWS for cell in row if len(cell) > LONGEST] == []


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
