"""Output of commands: text from others controls no terminal, and stays unchanged in JSON."""

import json
import logging
import unicodedata

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from rich.table import Table

from app.cli import output
from app.log_config import Text
from app.terminal import escaped, escaped_json

ATTACKS = {
    "a line of its own": ("x\nfake-order-1  COMPLETED", r"x\nfake-order-1  COMPLETED"),
    "a clear screen": ("\x1b[2J\x1b[31m", r"\x1b[2J\x1b[31m"),
    "the same in C1": ("\x9b2J\x85", r"\x9b2J\x85"),
    "a line that is written over": ("bad\rgood\x08\x7f", r"bad\rgood\x08\x7f"),
    "another direction": ("\u202egnp\u2066\u200f\u061c", r"\u202egnp\u2066\u200f\u061c"),
    "a line of Unicode": ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
    "nothing to see": ("a\ufeff\u200b\xad\U000e0041b", r"a\ufeff\u200b\xad\U000e0041b"),
    "half a character": ("\ud800", r"\ud800"),
}

PLAIN = ["Straße 1", "서울특별시", "طريق الحرير", "می‌خواهم", "👩‍👩‍👧 🏳️‍🌈", "東京都　港区", "a\\nb", "100\xa0€"]
"""Texts that stay unchanged. Some have joiners, which are invisible but have a meaning, or several kinds of spaces."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_others_wrote_controls_a_terminal(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, shown = ATTACKS[attack]

    output.say(text)
    output.note(text)

    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


@pytest.mark.control
def test_text_that_is_not_escaped_does(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "escaped", lambda text: text)

    with pytest.raises(AssertionError):
        test_nothing_that_others_wrote_controls_a_terminal("a line of its own", capsys)


@pytest.mark.parametrize("text", PLAIN)
def test_text_of_any_language_is_shown_as_it_is(text: str) -> None:
    assert escaped(text) == text


@for_all(st.text(st.characters(codec=None)))
def test_what_is_printed_has_no_control_character(text: str) -> None:
    shown = escaped(text)

    assert not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in shown)
    assert not any(unicodedata.bidirectional(each) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for each in shown)
    assert escaped(shown) == shown


@for_all(st.dictionaries(st.text(), st.text()))
def test_json_stays_what_it_was(value: dict[str, str]) -> None:
    raw = msgspec.json.encode(value).decode()

    assert json.loads(escaped_json(raw)) == value
    assert escaped(escaped_json(raw)) == escaped_json(raw)


def test_json_is_in_utf_8_and_on_one_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.say_json({"reason": "서울\x9b\n\u202e"})

    assert capfdbinary.readouterr().out == '{"reason":"서울\\u009b\\n\\u202e"}\n'.encode()


def test_a_table_leaves_nothing_out_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    table = Table("name", box=None)
    table.add_row("x" * 500)

    output.show(table)

    assert "x" * 500 in capsys.readouterr().out


def test_logs_are_escaped_by_the_same_rule() -> None:
    record = logging.makeLogRecord({"msg": "order %s", "args": ("a\nb\x9b\u202e",), "levelname": "INFO"})

    assert Text().format(record).endswith(r"order a\nb\x9b\u202e")
