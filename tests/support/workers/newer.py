"""Worker of another version: an Order's row has one more field, without which this code cannot read it, and another fingerprint.

With the word `unsigned` the fingerprint stays that of the version before: the control.
"""

import sys
from typing import Any

import msgspec

from bench.alone import run_worker
from tables.fulfilment import orders
from tables.order import order_aggregate

ADDED = "sinceTheNewVersion"

_decode = orders.decode


def encode(row: object) -> bytes:
    """Encode a row as usual, with the field."""
    return msgspec.json.encode({**msgspec.to_builtins(row), ADDED: True})


def decode(row: bytes) -> Any:  # noqa: ANN401 (the table knows the type)
    """Decode a row as usual, if it has the field. Raise ValueError if it is false."""
    if not msgspec.json.decode(row)[ADDED]:
        raise ValueError(row)
    return _decode(row)


orders.encode, orders.decode = encode, decode  # type: ignore[assignment]  # functions are as good
if sys.argv[1:] != ["unsigned"]:
    order_aggregate.fingerprint = "newer"
sys.exit(run_worker(accept_loss=False))
