"""Faust and the consumer group: fetching in batches, membership, and the tasks that a rebalance opens and closes."""
