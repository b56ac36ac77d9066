"""Limits of one transaction, and of one turn of the event loop."""

TRANSACTION_RECORDS = 2_000
"""Most records that one transaction carries. They need far less than a third of the transaction time-out, and a backlog makes a transaction no slower."""

TRANSACTION_BYTES = 8 << 20
"""Most bytes of commands that one transaction reads. It writes a few times as much."""

TURN_RECORDS = 50
"""Records that are processed in one turn of the event loop. Their output is encoded while it is still in the processor's cache."""
