"""Fixtures for tests of generated clients."""

from tests.support.http.fixtures import alone, own_shop, program, shop, shop_with_ids, standing, standing_program

__all__ = ["alone", "own_shop", "program", "shop", "shop_with_ids", "standing", "standing_program"]
