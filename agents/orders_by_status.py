"""Agent for the orders in each status. It reads the orders' events."""

from app.handlers.command_handler import Batches, follower, serve
from app.streams.app import app
from tables.orders_by_status import orders_by_status as orders

fold = follower(orders)


@app.agent(app.events(orders), isolated_partitions=True, name=orders.agent)
async def orders_by_status(batches: Batches) -> None:
    """Keep the orders in each status."""
    await serve(batches, fold)
