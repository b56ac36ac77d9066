"""Histories follow every event."""

from agents._loops import Batches, follow
from app.kernel.app import app
from tables.history import histories


@app.agent(app.events(histories), isolated_partitions=True, name=histories.agent)
async def history(batches: Batches) -> None:
    """Add every event to the history of its aggregate."""
    await follow(batches, histories)
