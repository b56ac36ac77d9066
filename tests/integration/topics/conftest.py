"""An environment on the shared broker for one test: a topic prefix and an application id that no other test has."""

from uuid import uuid4

import pytest

from app.settings import Settings
from app.topics import admin
from tests.conftest import RunningKafka


@pytest.fixture
def environment(kafka: RunningKafka) -> Settings:
    """Settings without any topic yet."""
    name = uuid4().hex[:8]
    return Settings(broker=kafka.bootstrap, replication=1, topic_prefix=f"{name}.", app_id=f"app-{name}")


@pytest.fixture
async def applied(environment: Settings) -> Settings:
    """Settings whose topics are there."""
    await admin.apply(environment)
    return environment
