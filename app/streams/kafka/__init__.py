"""Bounded use of Kafka's clients: transactions, ranges of offsets, topic ids, partitioner, time-outs, shutdown."""
