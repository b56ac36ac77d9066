"""How much one transaction, and one turn of the event loop, takes in."""

TRANSACTION_RECORDS = 2_000
"""The most records one transaction carries: far less than a third of the transaction time-out, and no backlog makes it slower."""

TRANSACTION_BYTES = 8 << 20
"""Bytes of commands that one transaction takes in; what it writes is a few times as much."""

TURN_RECORDS = 50
"""Records that are processed in one turn of the event loop; what they write is packed while it still is in the processor's cache."""
