"""Checks of each order over all partitions: money, stock and the end of its saga."""
