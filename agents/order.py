"""Agent for commands to Orders."""

from app.handlers.command_handler import Batches, handler, serve
from app.streams.app import app
from tables.order import order_aggregate

answer = handler(order_aggregate)


@app.agent(app.commands("order"), isolated_partitions=True, name="order")
async def order(batches: Batches) -> None:
    """Handle every command to an Order."""
    await serve(batches, answer)
