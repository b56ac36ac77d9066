"""Agent for commands to Products."""

from app.handlers.command_handler import Batches, handler, serve
from app.streams.app import app
from tables.product import product_aggregate

answer = handler(product_aggregate)


@app.agent(app.commands("product"), isolated_partitions=True, name="product")
async def product(batches: Batches) -> None:
    """Handle every command to a Product."""
    await serve(batches, answer)
