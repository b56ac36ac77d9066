"""Memory that was freed goes back to the system."""

import psutil

from app.kernel.heap import give_back

MIB = 1 << 20
SIZE = 2_000
"""Bytes: more than Python keeps for itself, less than the C library takes from the system alone."""


def _resident() -> int:
    return psutil.Process().memory_info().rss


def test_what_was_freed_between_what_stays_is_given_back() -> None:
    before = _resident()
    held = [bytes(SIZE) for _ in range(100 * MIB // SIZE)]
    staying = held[::50]
    full = _resident()
    held.clear()
    kept = _resident()

    give_back()

    assert len(staying) * SIZE > MIB
    assert full - before > 80 * MIB
    assert kept - before > 60 * MIB, "without it the C library keeps the memory: the test would show nothing"
    assert _resident() - before < 30 * MIB
