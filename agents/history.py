"""Agent for histories. It reads every event."""

from app.handlers.command_handler import Batches, follower, serve
from app.streams.app import app
from tables.history import histories

fold = follower(histories)


@app.agent(app.events(histories), isolated_partitions=True, name=histories.agent)
async def history(batches: Batches) -> None:
    """Add every event to the history of its aggregate."""
    await serve(batches, fold)
