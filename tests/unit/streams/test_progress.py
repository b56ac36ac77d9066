"""Progress of long work is logged; short work logs nothing."""

import logging

import pytest

from app.streams import progress
from app.streams.progress import ProgressLog


def test_what_takes_longer_than_the_interval_is_reported(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)

    with caplog.at_level(logging.INFO):
        ProgressLog("restoring", 200).at(50)

    assert "restoring: 50 of 200 (25 %)" in caplog.text


def test_what_is_done_at_once_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ProgressLog("restoring", 200).at(50)

    assert caplog.text == ""
