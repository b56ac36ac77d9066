"""Fixtures: an environment on the shared broker for one test, with a topic prefix and an application id of its own."""

from uuid import uuid4

import pytest

from app.settings import Settings
from app.topics import admin
from tests.conftest import RunningKafka


@pytest.fixture
def environment(kafka: RunningKafka) -> Settings:
    """Return the settings of an environment without topics."""
    name = uuid4().hex[:8]
    return Settings(broker=kafka.bootstrap, replication=1, topic_prefix=f"{name}.", app_id=f"app-{name}")


@pytest.fixture
async def applied(environment: Settings) -> Settings:
    """Return the settings of an environment with its topics."""
    await admin.apply(environment)
    return environment
