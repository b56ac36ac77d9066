"""Fixtures of the system tests."""

from tests.support.workers.fixtures import environment, one_partition, small_environment

__all__ = ["environment", "one_partition", "small_environment"]
