"""Fingerprint of the code that folds events: it changes, and rows are rebuilt, exactly if the result can differ."""

import importlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from app.streams.state.fingerprint import fingerprint

Print = Callable[[str], str]

CODE = """
STEP = 1

def _next(count):
    return count + STEP

def evolve(state, event):
    return _next(state)

def decide(command, state):
    return state
"""
_numbers = itertools.count()


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Print:
    """Return a function that computes the fingerprint of `evolve` in a module of this source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(source: str) -> str:
        name = f"folding_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(source)
        return fingerprint([importlib.import_module(name).evolve], [])

    return load


def test_comments_layout_docstrings_and_what_is_not_reached_change_nothing(printed: Print) -> None:
    changed = CODE.replace("count + STEP", "(count  +  STEP)  # one more").replace("return state", "return None")
    changed = changed.replace("def _next(count):", 'def _next(count):\n    """The next one."""')

    assert printed(CODE) == printed(changed)


@pytest.mark.parametrize(("old", "new"), [("_next(state)", "_next(_next(state))"), ("count + STEP", "count - STEP"), ("STEP = 1", "STEP = 2")])
def test_what_evolve_reaches_changes_it(printed: Print, old: str, new: str) -> None:
    assert printed(CODE) != printed(CODE.replace(old, new))


def test_a_schema_changes_it_and_its_description_does_not() -> None:
    schema = {"title": "Row", "description": "A row.", "properties": {"version": {"type": "integer", "description": "Counts."}}}
    described = {"title": "Rows", "description": "Another text.", "properties": {"version": {"type": "integer"}}}

    assert fingerprint([], [schema]) == fingerprint([], [described])
    assert fingerprint([], [schema]) != fingerprint([], [{"properties": {"version": {"type": "string"}}}])
