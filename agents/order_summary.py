"""Agent for order summaries. It reads the orders' events, and the names of customers."""

from app.handlers.command_handler import Batches, joiner, serve
from app.streams.app import app
from tables.order_summary import order_summaries

fold = joiner(order_summaries)


@app.agent(app.events(order_summaries), isolated_partitions=True, name=order_summaries.agent)
async def order_summary(batches: Batches) -> None:
    """Keep each order with its customer's name."""
    await serve(batches, fold)
