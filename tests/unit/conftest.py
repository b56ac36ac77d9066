"""Unit tests need no broker: one that asks for it is in the wrong folder."""

import pytest


@pytest.fixture(scope="session")
def kafka() -> None:
    """Refuse."""
    pytest.fail("a test in tests/unit asks for a broker: move it to tests/integration")
