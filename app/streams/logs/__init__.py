"""Logs that a task's rows are built from: their identity, their ends, and what its predecessors left open."""
