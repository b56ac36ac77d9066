"""Rows of the task that runs the code. Declared tables read and write them."""

from contextvars import ContextVar

from app.streams.state.overlay import RowOverlay

current_rows: ContextVar[RowOverlay] = ContextVar("rows of the current task")
"""Row overlay of the current task. It is set together with the unit of work that it is part of."""
