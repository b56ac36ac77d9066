"""Agent for commands to Customers."""

from app.handlers.command_handler import Batches, handler, serve
from app.streams.app import app
from tables.customer import customer_aggregate

answer = handler(customer_aggregate)


@app.agent(app.commands("customer"), isolated_partitions=True, name="customer")
async def customer(batches: Batches) -> None:
    """Handle every command to a Customer."""
    await serve(batches, answer)
