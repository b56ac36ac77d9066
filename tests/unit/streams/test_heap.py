"""Memory trimming: freed memory is returned to the operating system."""

import json
import subprocess
import sys

MIB = 1 << 20

PROGRAM = """\
import json, psutil
from app.streams.memory import give_back

def resident():
    return psutil.Process().memory_info().rss

seen = [resident()]
held = [b"x" * (2_000 + number % 2) for number in range(50_000)]
staying = held[::50]
seen.append(resident())
held.clear()
seen.append(resident())
give_back()
seen.append(resident())
print(json.dumps(seen))
"""
"""Program for a process in which nothing else was freed: 100 MB in pieces larger than Python keeps, some of which stay."""


def test_what_was_freed_between_what_stays_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    before, full, freed, given_back = json.loads(done.stdout)
    assert full - before > 80 * MIB
    assert freed - before > 60 * MIB, "the C library keeps the memory, or this test shows nothing"
    assert given_back - before < 30 * MIB
