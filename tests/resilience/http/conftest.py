"""Fixtures of the tests of HTTP under faults."""

from tests.support.http.fixtures import alone, own_shop, program, shop, shop_with_ids, standing, standing_program

__all__ = ["alone", "own_shop", "program", "shop", "shop_with_ids", "standing", "standing_program"]
