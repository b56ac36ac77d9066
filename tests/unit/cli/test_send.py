"""`foldstream send`: invalid commands are reported before anything is sent."""

import codecs
import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.errors import FoldstreamError
from tests.support.foldstream import foldstream

COMMAND = {"commandId": "c", "commandType": "ShipOrder", "aggregateType": "Order", "aggregateId": "o"}
GOOD = json.dumps(COMMAND)
DEEP = '{"a":' + "[" * 100_000


def with_part(name: str, value: object) -> str:
    return json.dumps({**COMMAND, name: value})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"a": "\udcff"}', "utf-8"),  # an invalid byte
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
        (with_part("aggregateType", "order"), "'order' takes no commands, Order, Product, Customer, Saga do"),
        (with_part("commandType", "ShipOrders"), "commandType 'ShipOrders' is none that Order takes: PlaceOrder, ConfirmOrder, ShipOrder, CancelOrder"),
        (with_part("commandType", "RetryStep"), "commandType 'RetryStep' is none that Order takes"),
        (with_part("commandType", None), "commandType None is none that Order takes"),
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


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (GOOD.encode("utf-16"), "the file is UTF-16: save it as UTF-8"),
        (GOOD.encode("utf-32"), "the file is UTF-32: save it as UTF-8"),
        (GOOD.encode("utf-16-be"), "the file has zero bytes where UTF-8 has none"),
        (gzip.compress(GOOD.encode(), mtime=0), "the file is compressed"),  # the time of compression would be part of the test's name
        (json.dumps(COMMAND, indent=2).encode(), "one command (JSON object) per line"),
        (f"{GOOD}\r{GOOD}".encode(), "one command (JSON object) per line"),
    ],
)
def test_a_file_that_is_written_in_another_way_is_told_which(content: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(content)

    result = CliRunner().invoke(app, ["send", str(file)])

    assert isinstance(result.exception, FoldstreamError)
    assert complaint in str(result.exception)


def test_byte_order_marks_are_skipped_also_where_files_were_joined() -> None:
    marked = codecs.BOM_UTF8 + GOOD.encode() + b"\r\n"

    result = CliRunner().invoke(app, ["send", "-"], input=marked + marked + b"nonsense")

    assert str(result.exception).startswith("line 3 is no command")
