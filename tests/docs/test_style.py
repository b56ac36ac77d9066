"""Docstrings and comments keep the rules of CONTRIBUTING.md that a program can check."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(path for name in ("app", "agents", "tables", "schemas", "bench", "tests") for path in (ROOT / name).rglob("*.py"))
FIRST_WORDS = re.compile(r"(?:What|Who|Whoever|It|The same|As)\b")
"""Words that may not begin a first sentence, which begins with a verb or a noun."""

WORDS = re.compile(
    r"\b(?:nobody|somebody|whoever|anew|mends?|mended|befalls?|befell|goes on|lets? go|is no more|as it came|what came of it|(?:is|are|was) told)\b",
    re.IGNORECASE,
)
"""Words that have a plainer one: the worker, the client, rebuilt, repaired, continues, releases, notified."""

MOST_WORDS = 25
"""Largest number of words in a first sentence."""


class Text(NamedTuple):
    """Docstring or comment."""

    line: int
    words: str
    is_docstring: bool


def texts(source: str) -> Iterator[Text]:
    """Yield every docstring, also those of attributes, and every comment without its marks for tools."""
    for node in ast.walk(ast.parse(source)):
        for child in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str):
                yield Text(child.lineno, child.value.value, is_docstring=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], re.sub(r"noqa: [\w, ]+|type: ignore\S*", "", token.string), is_docstring=False)


def faults(source: str) -> list[str]:
    """Return the broken rules, with their lines."""
    found = list[str]()
    for text in texts(source):
        found += [f"{text.line}: says {word!r}" for word in WORDS.findall(text.words)]
        if text.is_docstring:
            first = re.split(r"(?<=[.:;!?])\s|\n\n", text.words.strip())[0]
            found += [f"{text.line}: begins with {first.split()[0]!r}"] if FIRST_WORDS.match(first) else []
            found += [f"{text.line}: has {len(first.split())} words in its first sentence"] if len(first.split()) > MOST_WORDS else []
    return found


@pytest.mark.parametrize("path", CODE, ids=[str(path.relative_to(ROOT)) for path in CODE])
def test_docstrings_and_comments_are_plain(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('"""What a task is."""', "1: begins with 'What'"),
        ('"""It does not happen."""', "1: begins with 'It'"),
        ('"""A task. Nobody waits for it."""', "1: says 'Nobody'"),
        ("x = 1  # rows are made anew", "1: says 'anew'"),
        (f'"""A {"very " * 25}long sentence."""', "1: has 28 words in its first sentence"),
    ],
)
def test_a_text_that_breaks_a_rule_is_found(source: str, fault: str) -> None:
    assert faults(source) == [fault]
