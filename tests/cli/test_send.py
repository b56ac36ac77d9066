"""`foldstream send`: what cannot be sent is said before anything is."""

import json

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.errors import FoldstreamError
from tests.cli.foldstream import foldstream

COMMAND = {"commandId": "c", "aggregateType": "Order", "aggregateId": "o"}
GOOD = json.dumps(COMMAND)
DEEP = '{"a":' + "[" * 100_000


def with_part(name: str, value: object) -> str:
    return json.dumps({**COMMAND, name: value})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"a": "\udcff"}', "utf-8"),  # a byte that is not
        ('{"a": NaN}', "invalid character"),
        ('{"a": "\\ud800 alone"}', "surrogate"),
        (DEEP, "recursion"),
        (GOOD[:-1] + ', "commandId": "d"}', "a key twice in one object: 'commandId'"),
        ('{"aggregateType": "Order", "aggregateId": "o"}', "commandId is None"),
        (with_part("commandId", 1), "commandId is 1: an id is"),
        (with_part("commandId", "x" * 129), "commandId is 'xxx"),
        (with_part("commandId", ""), "commandId is ''"),
        (with_part("aggregateId", "o 1"), "aggregateId is 'o 1': an id is"),
        (with_part("aggregateId", "o\n"), "aggregateId is 'o\\n'"),
        (with_part("aggregateType", "Parcel"), "'Parcel' takes no commands"),
        (with_part("aggregateType", None), "None takes no commands"),
        (with_part("payload", "x" * (1 << 20)), "a topic of commands 1,048,576 at most"),
    ],
)
def test_a_line_that_is_no_command_is_named_by_its_number(line: str, complaint: str) -> None:
    result = CliRunner().invoke(app, ["send", "-"], input=f"{GOOD}\n\n{line}\n".encode(errors="surrogateescape"))

    assert isinstance(result.exception, FoldstreamError)
    assert str(result.exception).startswith("line 3 is no command, so nothing was sent: ")
    assert complaint in str(result.exception)


def test_what_is_no_command_ends_with_1_and_one_line() -> None:
    done = foldstream("send", "-", stdin=DEEP)

    assert done.returncode == 1
    assert done.stderr.startswith("foldstream: line 1 is no command, so nothing was sent: ")
    assert done.stderr.count("\n") == 1
