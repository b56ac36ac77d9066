"""Benchmarks: figures of one run on one machine, beside a hand-written loop in the same run. Nothing here is asserted."""
