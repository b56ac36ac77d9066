"""Time limits for the broker's answers.

A connection can be half-open (a cable, a firewall, a machine that is gone): requests on it are lost, and the client gets no error. aiokafka closes a
connection once one answer is overdue, and sends the next request on another. With its own default of 40 s, a worker would stall for several sessions.
"""

ANSWER_MS = 10_000
"""Limit for a producer or a reader (milliseconds): longer than a broker is busy with anything but itself, shorter than a transaction's deadline."""

JOIN_S = 5.0
"""Additional time that a consumer waits for the answer to its join (seconds).

The group answers when all members have joined, or the rebalance has timed out.
"""
