"""Agent for customer accounts. It reads the customers' events, and the orders that ask for a name."""

from app.handlers.command_handler import Batches, joiner, serve
from app.streams.app import app
from tables.customer_account import customer_accounts

fold = joiner(customer_accounts)


@app.agent(app.events(customer_accounts), isolated_partitions=True, name=customer_accounts.agent)
async def customer_account(batches: Batches) -> None:
    """Keep each customer's account, and send the customer's name to orders."""
    await serve(batches, fold)
