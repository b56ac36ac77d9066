"""Timeouts for answers of the broker."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.settings import Settings
from app.streams.application import application
from app.streams.runtime.consumer_thread import ConsumerThread


@pytest.mark.parametrize("session_s", [1, 10, 300])
async def test_who_joins_a_group_waits_for_longer_than_its_rebalance_may_take(session_s: float) -> None:
    app = application(Settings(broker="127.0.0.1:1", session_timeout_s=session_s))

    consumer = ConsumerThread._create_worker_consumer(cast("Any", SimpleNamespace(app=app, _settings=app.side.settings)), cast("Any", None))  # noqa: SLF001 (nothing is to be started)

    await consumer.stop()

    assert consumer._client._request_timeout_ms > consumer._rebalance_timeout_ms >= session_s * 1000  # noqa: SLF001 (aiokafka shows neither)
