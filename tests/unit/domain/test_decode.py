"""Decoding of JSON: only texts that all JSON readers read alike are accepted (contract, section 2: `undecodable`)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas import strict_json as module
from schemas.strict_json import DEPTH, Undecodable, decode


def nested_objects(levels: int, innermost: str) -> bytes:
    """Return this many levels of objects, around the innermost value."""
    return b'{"a":' * levels + innermost.encode() + b"}" * levels


def nested_arrays(levels: int, innermost: str) -> bytes:
    """Return this many levels of arrays in an object, around the innermost value. The object is the first level."""
    return b'{"a":' + b"[" * (levels - 1) + innermost.encode() + b"]" * (levels - 1) + b"}"


NO_JSON = {
    "nothing": b"",
    "blanks only": b" \n",
    "cut short": b'{"a":1',
    "more after the end": b"{} {}",
    "a comma too many": b'{"a":1,}',
    "a leading zero": b'{"a":01}',
    "a control character in a string": b'{"a":"\x01"}',
    "single quotes": b"{'a':1}",
    "a comment": b"{/* a */}",
    "a byte order mark": b"\xef\xbb\xbf{}",
}
NOT_UTF_8 = {
    "a byte of no character": b'{"a":"\xff"}',
    "in a key": b'{"\xff":1}',
    "beside an escape": b'{"a":"\\n\xff"}',
    "an overlong form": b'{"a":"\xc0\x80"}',
    "a surrogate in three bytes": b'{"a":"\xed\xa0\x80"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
}
NO_OBJECT = {"array": b"[{}]", "text": b'"a"', "number": b"1", "true": b"true", "null": b"null"}
NO_DOUBLE = {
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "1e999": b'{"a":1e999}',
    "-1e999 in an array": b'{"a":[-1e999]}',
    "309 digits": b'{"a":' + b"9" * 309 + b"}",
    "400 digits": b'{"a":' + b"9" * 400 + b"}",
    "400 digits below zero": b'{"a":-' + b"9" * 400 + b"}",
    "400 digits in an array": b'{"a":[' + b"9" * 400 + b"]}",
    "400 digits and a fraction": b'{"a":' + b"9" * 400 + b".0}",
    "10,000 digits": b'{"a":' + b"9" * 10_000 + b"}",
}
KEY_TWICE = {
    "side by side": b'{"a":1,"a":2}',
    "with the same value": b'{"a":1,"b":2,"a":1}',
    "in an object inside": b'{"b":{"a":1,"a":2}}',
    "in an object in an array": b'{"b":[1,{"a":1,"a":2}]}',
    "the second escaped": b'{"a":1,"\\u0061":2}',
    "both escaped": b'{"\\n":1,"\\u000a":2}',
    "a blank before the colon": b'{"a":1,"a" :2}',
    "a tab before the colon": b'{"a"\t:1,"a":2}',
    "line ends before the colon": b'{"a"\n:1,"a"\r\n:2}',
    "beside text that looks like a key": b'{"a":":","a":":"}',
    "the empty key": b'{"":1,"":2}',
    "of quotes and colons": b'{"\\":":1,"\\":":2}',
}
LONE_SURROGATE = {
    "high": b'{"a":"\\ud800"}',
    "low": b'{"a":"\\udc00"}',
    "high before a letter": b'{"a":"\\ud800x"}',
    "the halves in the wrong order": b'{"a":"\\udc00\\ud800"}',
    "in a key": b'{"\\ud800":1}',
}
TOO_DEEP = {
    "65 objects": nested_objects(DEPTH + 1, "1"),
    "65 with nothing in the last": nested_arrays(DEPTH + 1, ""),
    "65 arrays and objects": nested_arrays(DEPTH, "{}"),
    "100,000 arrays": nested_arrays(100_000, "1"),
    "a million arrays that never end": b"[" * 1_000_000,
}
UNDECODABLE = {
    "no JSON": NO_JSON,
    "not UTF-8": NOT_UTF_8,
    "no object": NO_OBJECT,
    "no double": NO_DOUBLE,
    "a key twice": KEY_TWICE,
    "a lone surrogate": LONE_SURROGATE,
    "too deep": TOO_DEEP,
}

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text('":\\{}[], \n\ta', max_size=8)
NUMBERS = st.integers() | st.integers(-(10**308), 10**308) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXT, VALUES)
COLONS = st.sampled_from([":", ": ", " :", "\t:", "\n:", "\r:", " \n: "])
COMMAS = st.sampled_from([",", ", ", " ,\n"])
INDENTS = st.none() | st.integers(0, 3) | st.just("\t")


@st.composite
def writers(draw: st.DrawFn) -> json.JSONEncoder:
    """Draw a way to write JSON: with or without blanks, on one line or several, with characters or escapes."""
    return json.JSONEncoder(separators=(draw(COMMAS), draw(COLONS)), indent=draw(INDENTS), ensure_ascii=draw(st.booleans()))


@st.composite
def objects_with_a_key_twice(draw: st.DrawFn) -> str:
    """Draw the text of an object with a repeated key, alone or inside another value."""
    written = draw(st.dictionaries(TEXT, VALUES, min_size=1, max_size=5))
    first, again = draw(writers()), draw(writers())
    pair = again.encode({draw(st.sampled_from(list(written))): draw(VALUES)}).strip()[1:]
    double = f"{first.encode(written).rstrip()[:-1]},{pair}"
    return draw(st.sampled_from(["{}", '{{"a":{}}}', '{{"a":[1,{}],"b":2}}'])).format(double)


@pytest.mark.parametrize("raw", [pytest.param(raw, id=f"{why}: {how}") for why, cases in UNDECODABLE.items() for how, raw in cases.items()])
def test_what_readers_would_read_differently_is_undecodable(raw: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{}", {}),
        (b' {"a" : 1} \r\n', {"a": 1}),
        (b'{":":":"}', {":": ":"}),
        (b'{"a":{"a":[{"a":1},{"a":2}]}}', {"a": {"a": [{"a": 1}, {"a": 2}]}}),
        (b'{"a":1,"A":2,"\\u00e5":3}', {"a": 1, "A": 2, "å": 3}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"\\u0000"}', {"a": "\0"}),
        (b'{"a":[1.0,true,1e-999]}', {"a": [1.0, True, 0.0]}),
        (b'{"a":' + b"9" * 308 + b"}", {"a": 10**308 - 1}),
    ],
)
def test_what_all_readers_read_alike_is_decoded(raw: bytes, expected: dict[str, Any]) -> None:
    decoded = decode(raw)

    assert repr(decoded) == repr(expected)


@pytest.mark.parametrize("innermost", ["1", '"a"', "null", "1.5", "true"])
@pytest.mark.parametrize("nested", [nested_objects, nested_arrays])
@pytest.mark.parametrize("colon", [b":", b": "])
def test_64_levels_are_decoded_whatever_is_innermost(nested: Any, innermost: str, colon: bytes) -> None:  # noqa: ANN401 (either function)
    raw = nested(DEPTH, innermost).replace(b":", colon)

    assert decode(raw) == json.loads(raw)


@for_all(OBJECTS, writers())
def test_an_object_is_read_as_pythons_own_parser_reads_it(written: dict[str, Any], writer: json.JSONEncoder) -> None:
    text = writer.encode(written)

    assert repr(decode(text.encode())) == repr(json.loads(text)) == repr(written)


@for_all(objects_with_a_key_twice())
def test_a_key_twice_is_found_wherever_and_however_it_is_written(text: str) -> None:
    with pytest.raises(Undecodable, match="a key twice"):
        decode(text.encode())


@for_all(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_an_object_or_undecodable_and_nothing_else_is_raised(raw: bytes) -> None:
    with suppress(Undecodable):
        assert isinstance(decode(raw), dict)


@pytest.mark.timeout(20)
def test_one_key_twice_among_many_is_named_shortly_and_without_comparing_each_with_each() -> None:
    keys = [f"{number:0>9}" for number in range(80_000)]
    raw = json.dumps(dict.fromkeys(keys, 1))[:-1].encode() + b',"000000007":1}'

    with pytest.raises(Undecodable, match=r"^a key twice in one object: '000000007'$"):
        decode(raw)


def test_a_long_key_is_named_by_its_beginning() -> None:
    key = b"x" * 500_000

    with pytest.raises(Undecodable) as undecodable:
        decode(b'{"%b":1,"%b":2}' % (key, key))

    assert len(str(undecodable.value)) < 150


def test_without_the_slower_look_a_key_twice_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_refuse_doubles", lambda _raw: None)

    assert decode(b'{"a":1,"a":2}') == {"a": 2}
