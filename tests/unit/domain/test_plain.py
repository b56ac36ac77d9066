"""Fast path for envelopes: it accepts only what the full path accepts, and reads it alike."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.envelopes import CommandEnvelope
from schemas.fast_envelope import plain
from schemas.strict_json import decode

PLAIN: dict[str, Any] = {
    "commandId": "k-1",
    "commandType": "PlaceOrder",
    "aggregateId": "o-1",
    "aggregateType": "Order",
    "expectedVersion": 0,
    "timestamp": "2026-11-24T06:00:00.123Z",
    "metadata": {"correlationId": "c", "causationId": "d", "userId": "ü", "traceId": "t", "replyTo": {"topic": "saga", "key": "o-1"}},
    "payload": {"items": [{"quantity": 1}], "reason": None, "price": 1.5},
}

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "k 1", "k-1\n", "ü", "x" * 128, "x" * 129, "x" * 500, "x" * 501, -1, 0, 1.0, 1 << 70, True, [], {}, {"a": [1]}]
)
TIMES = st.sampled_from(["2026-11-24T06:00:00Z", "2026-11-24t06:00:60.5+01:00", "2026-11-24T06:00:00Z\n", "2026-13-24T06:00:00Z", "2026-11-24", 0])
METADATA = st.dictionaries(st.sampled_from([*PLAIN["metadata"], "more"]), ODD | st.just({"topic": "t", "key": "k"}) | st.just({"topic": "t"}))
CHANGES = st.fixed_dictionaries({}, optional={**dict.fromkeys([*PLAIN, "more"], ODD), "timestamp": TIMES | ODD, "metadata": METADATA | ODD})
LEFT_OUT = st.sets(st.sampled_from(list(PLAIN)), max_size=1)


def text(command: dict[str, Any]) -> bytes:
    return json.dumps(command, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_command_in_the_order_of_the_contract_goes_the_short_way() -> None:
    assert plain(text(PLAIN)) is not None


@for_all(CHANGES, LEFT_OUT)
def test_what_goes_the_short_way_is_read_as_the_model_reads_it(changes: dict[str, Any], left_out: set[str]) -> None:
    raw = text({name: value for name, value in {**PLAIN, **changes}.items() if name not in left_out})

    envelope = plain(raw)

    if envelope is not None:
        assert msgspec.to_builtins(envelope) == CommandEnvelope.model_validate(decode(raw)).model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    "raw",
    [
        text(PLAIN).replace(b'"Order"', b'"Order","aggregateType":"Order"'),
        text(PLAIN).replace(b'"quantity":1', b'"quantity":1,"quantity":1'),
        text(PLAIN).replace(b'"price":1.5', b'"price":' + b"1" * 309),
        text(PLAIN).replace(b"1.5", b"[" * 64 + b"]" * 64),
        text(PLAIN).replace(b",", b" ,", 1),
        text(dict(reversed(PLAIN.items()))),
        text({**PLAIN, "expectedVersion": None}),
        text({**PLAIN, "metadata": {"userId": None}}),
        text({**PLAIN, "commandId": "k-1\n"}),
        text({**PLAIN, "more": 1}),
        b"[]",
        b"\xff",
        b"[" * 10_000,
    ],
)
def test_anything_out_of_the_ordinary_goes_the_long_way(raw: bytes) -> None:
    assert plain(raw) is None
