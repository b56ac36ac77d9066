"""Benchmarks of Foldstream next to a hand-written loop, in one run on one machine. Nothing here is asserted."""
