"""Strict decoder of JSON objects. It rejects what different readers would read differently (contract, section 2: `undecodable`)."""

import json
from typing import Any

import msgspec

DEPTH = 64
"""Deepest nesting that is accepted."""

DIGITS = 309
"""Fewest digits of an integer that exceeds a double."""

_NEITHER = bytes(set(range(256)) - set(b"0123456789{["))
_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class Undecodable(ValueError):  # noqa: N818 (what it is)
    """Error for bytes that are not UTF-8 or not a JSON object, or that break a bound.

    Also raised for a number beyond a double, a duplicate key, a lone surrogate, and nesting that is too deep.
    """


def decode(raw: bytes) -> dict[str, Any]:
    """Decode a JSON object. Raises Undecodable, which says why `raw` is none."""
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
    """Return True for text that equals msgspec's own encoding and breaks no bound, as most commands do."""
    return bounded(raw) and _encoder.encode(value) == raw


def bounded(raw: bytes) -> bool:
    """Return True for text with too few brackets and digits to break a bound."""
    counted = raw.translate(None, _NEITHER)
    brackets = counted.count(b"{") + counted.count(b"[")
    return brackets <= DEPTH and len(counted) - brackets < DIGITS


def _keys(value: dict[str, Any] | list[Any], depth: int) -> int:
    """Count the keys of all objects inside. Raises Undecodable for nesting that is too deep and integers beyond a double."""
    if depth > DEPTH:
        message = f"nested deeper than {DEPTH}"
        raise Undecodable(message)
    keys, inners = (len(value), value.values()) if isinstance(value, dict) else (0, value)
    for inner in inners:
        kind = type(inner)  # msgspec creates no subclasses, and this check runs for every value of every command
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
    """Count the keys in the text by `":`. Text may contain the same characters, so the count can be too high.

    Returns -1 where blanks before a colon hide keys from the count.
    """
    if b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw:
        return -1
    return raw.count(b'":')


def _refuse_doubles(raw: bytes) -> None:
    """Raise Undecodable for duplicate keys. Python's own parser shows every pair; it is slow, so it runs only if the quick count cannot decide."""
    json.loads(raw, object_pairs_hook=_distinct)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            message = f"a key twice in one object: {key!r:.100}"
            raise Undecodable(message)
        seen.add(key)
