"""Agent for the orders of each customer. It reads the orders' events."""

from app.handlers.command_handler import Batches, follower, serve
from app.streams.app import app
from tables.customer_orders import customer_orders as orders

fold = follower(orders)


@app.agent(app.events(orders), isolated_partitions=True, name=orders.agent)
async def customer_orders(batches: Batches) -> None:
    """Keep the orders of each customer."""
    await serve(batches, fold)
