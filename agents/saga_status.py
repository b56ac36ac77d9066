"""Agent for the status of sagas. It reads the sagas' events."""

from app.handlers.command_handler import Batches, follower, serve
from app.streams.app import app
from tables.saga_status import saga_statuses

fold = follower(saga_statuses)


@app.agent(app.events(saga_statuses), isolated_partitions=True, name=saga_statuses.agent)
async def saga_status(batches: Batches) -> None:
    """Keep the status of each saga."""
    await serve(batches, fold)
