"""The worker of another version: an Order's row has a field more, without which this code cannot read it, and its events are folded accordingly.

With the word `unsigned` its rows look to it like those of the version before: the control.
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
    """As ever, with the field."""
    return msgspec.json.encode({**msgspec.to_builtins(row), ADDED: True})


def decode(row: bytes) -> Any:  # noqa: ANN401 (the table knows the type)
    """As ever, of a row that has it."""
    if not msgspec.json.decode(row)[ADDED]:
        raise ValueError(row)
    return _decode(row)


orders.encode, orders.decode = encode, decode  # type: ignore[assignment]  # functions are as good
if sys.argv[1:] != ["unsigned"]:
    order_aggregate.fingerprint = "newer"
sys.exit(run_worker(accept_loss=False))
