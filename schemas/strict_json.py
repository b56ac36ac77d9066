"""From bytes to a JSON object, refusing what different readers would read differently (contract, section 2: `undecodable`)."""

import json
from typing import Any

import msgspec

DEPTH = 64
"""Nesting that is still read."""

DIGITS = 309
"""An integer beyond a double has at least as many."""

_NEITHER = bytes(set(range(256)) - set(b"0123456789{["))
_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class Undecodable(ValueError):  # noqa: N818 (what it is)
    """Not UTF-8, no JSON object, a number beyond a double, a key twice, a lone surrogate, or nested too deep."""


def decode(raw: bytes) -> dict[str, Any]:
    """The object that `raw` is; Undecodable says why it is none."""
    try:
        value = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        message = str(error) or type(error).__name__
        raise Undecodable(message) from error
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise Undecodable(message)
    if not _is_plain(raw, value) and _keys(value, 1) != _keys_written(raw):
        _refuse_doubles(raw)
    return value


def _is_plain(raw: bytes, value: dict[str, Any]) -> bool:
    """True for text that is written as msgspec itself would write it, and breaks no bound: most commands are."""
    return bounded(raw) and _encoder.encode(value) == raw


def bounded(raw: bytes) -> bool:
    """True for text with too few brackets and digits to break a bound."""
    counted = raw.translate(None, _NEITHER)
    brackets = counted.count(b"{") + counted.count(b"[")
    return brackets <= DEPTH and len(counted) - brackets < DIGITS


def _keys(value: dict[str, Any] | list[Any], depth: int) -> int:
    """How many keys all objects inside have; refuses what is nested too deep, and integers beyond a double."""
    if depth > DEPTH:
        message = f"nested deeper than {DEPTH}"
        raise Undecodable(message)
    keys, inners = (len(value), value.values()) if isinstance(value, dict) else (0, value)
    for inner in inners:
        kind = type(inner)  # msgspec makes no subclasses, and this is asked of every value in every command
        if kind is int:
            _refuse_huge(inner)
        elif kind is dict or kind is list:
            keys += _keys(inner, depth + 1)
    return keys


def _refuse_huge(number: int) -> None:
    try:
        float(number)
    except OverflowError as error:
        message = "a number beyond a double"
        raise Undecodable(message) from error


def _keys_written(raw: bytes) -> int:
    """How many keys the text has, or more, or -1 where blanks hide some: a quote that ends a key is followed by its colon, and text may look the same."""
    if b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw:
        return -1
    return raw.count(b'":')


def _refuse_doubles(raw: bytes) -> None:
    """Python's own parser shows every pair; it is slow, and asked only when the quick count cannot tell."""
    json.loads(raw, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            message = f"a key twice in one object: {key!r:.100}"
            raise Undecodable(message)
        seen.add(key)
