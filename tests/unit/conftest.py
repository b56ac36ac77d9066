"""Guard of the unit tests: a test that needs a broker is in the wrong folder."""

import pytest


@pytest.fixture(scope="session")
def kafka() -> None:
    """Fail the test that asks for a broker."""
    pytest.fail("a test in tests/unit asks for a broker: move it to tests/integration")
