"""Commands to Customers."""

from agents._loops import Batches, handler, serve
from app.streams.app import app
from tables.customer import customer_aggregate

answer = handler(customer_aggregate)


@app.agent(app.commands("customer"), isolated_partitions=True, name="customer")
async def customer(batches: Batches) -> None:
    """Answer every command to a Customer."""
    await serve(batches, answer)
