"""Agent for the stock of products. It reads the products' events."""

from app.handlers.command_handler import Batches, follower, serve
from app.streams.app import app
from tables.product_stock import stock

fold = follower(stock)


@app.agent(app.events(stock), isolated_partitions=True, name=stock.agent)
async def product_stock(batches: Batches) -> None:
    """Keep the stock of each product."""
    await serve(batches, fold)
