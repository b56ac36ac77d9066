"""Fixtures of the tests of resilience."""

from tests.support.workers.fixtures import environment, one_partition, small_environment

__all__ = ["environment", "one_partition", "small_environment"]
