"""Replaced parts of aiokafka, each with the reason. Each program calls `sender.install`, which puts all of them in place."""
