"""Worker that dies, with a mechanism switched off: its transactions do not contain its input positions."""

import runpy
from typing import Any

from app.streams.tasks.write_processor import WriteProcessor


def _reach(_self: WriteProcessor, _last: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
    """Keep no position."""


WriteProcessor._reach = _reach  # type: ignore[method-assign,assignment]  # noqa: SLF001 (a control replaces what is inside)
runpy.run_module("tests.support.workers.mortal", run_name="__main__")
