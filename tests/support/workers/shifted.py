"""Complete worker whose wall clock, and no other clock, is off by CLOCK_SHIFT_S seconds."""

import os
import runpy
import sys
import time

_shift_s = float(os.environ.get("CLOCK_SHIFT_S", "0"))
_true_s, _true_ns = time.time, time.time_ns

time.time = lambda: _true_s() + _shift_s
time.time_ns = lambda: _true_ns() + int(_shift_s * 1e9)

if __name__ == "__main__":
    sys.argv = ["app", "worker"]
    runpy.run_module("app", run_name="__main__")
