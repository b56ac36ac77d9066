"""How long the broker's answer to a request is waited for.

A connection can be half-open (a cable, a firewall, a machine that is gone): what is sent on it is lost, and nobody is told. aiokafka closes a connection
once one answer is overdue, and sends the next request on another; with its own 40 s a worker would stand still for several sessions.
"""

ANSWER_MS = 10_000
"""Of a producer or a reader: longer than a broker is busy with anything but itself, shorter than a transaction's deadline."""

JOIN_S = 5.0
"""The group answers who joins when all members have joined, or the rebalance has timed out: a consumer waits for so much longer (seconds)."""
