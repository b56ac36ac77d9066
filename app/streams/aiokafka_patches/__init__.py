"""Replaced parts of aiokafka, each with the reason. `sender.install` puts all of them in place."""
