"""The rows of the task that runs the code: what a declared table reads and writes."""

from contextvars import ContextVar

from app.streams.state.overlay import RowOverlay

current_rows: ContextVar[RowOverlay] = ContextVar("rows of the current task")
"""Set together with the unit of work that the rows are part of."""
