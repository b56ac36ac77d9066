"""The worker that dies, without a mechanism: where it is in its inputs is not in its transactions."""

import runpy
from typing import Any

from app.streams.tasks.write_processor import WriteProcessor


def _reach(_self: WriteProcessor, _last: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
    """The position is kept nowhere."""


WriteProcessor._reach = _reach  # type: ignore[method-assign,assignment]  # noqa: SLF001 (a control replaces what is inside)
runpy.run_module("tests.support.workers.mortal", run_name="__main__")
