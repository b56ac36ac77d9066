"""Clients of a running system, through Kafka and HTTP: they send commands, follow results, read logs and parked records, and query workers."""
