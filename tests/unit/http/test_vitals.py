"""Liveness monitor: a worker that progresses is alive, and a part that stands still for too long is named."""

from itertools import count

from app.web.monitoring.liveness import Heartbeat, LivenessMonitor

PATIENCE = 3


def looked(vitals: LivenessMonitor, times: int) -> list[str]:
    """Return the stuck parts after this many looks."""
    for _ in range(times):
        vitals.look()
    return vitals.stuck()


def test_what_does_not_move_is_stuck_once_the_patience_is_over_and_what_moves_is_not() -> None:
    steps = count()
    vitals = LivenessMonitor(lambda: [Heartbeat("still", 0, PATIENCE), Heartbeat("moving", next(steps), PATIENCE)])

    assert looked(vitals, PATIENCE + 1) == []
    assert looked(vitals, 1) == ["still"]


def test_what_moves_again_is_alive_again() -> None:
    mark = 0
    vitals = LivenessMonitor(lambda: [Heartbeat("part", mark, PATIENCE)])
    assert looked(vitals, PATIENCE + 2) == ["part"]

    mark = 1

    assert looked(vitals, 1) == []


def test_what_need_not_move_for_a_while_as_in_an_outage_of_the_broker_begins_anew() -> None:
    parts = [Heartbeat("part", 0, PATIENCE)]
    vitals = LivenessMonitor(lambda: parts)
    assert looked(vitals, PATIENCE) == []

    parts.clear()
    assert looked(vitals, 100) == []
    parts.append(Heartbeat("part", 0, PATIENCE))

    assert looked(vitals, PATIENCE + 1) == []
    assert looked(vitals, 1) == ["part"]
