"""Places an order, reads it and cancels it with the generated client: place.py URL ORDER_ID."""

import sys

from foldstream_client import Client
from foldstream_client.api.reads import get_order
from foldstream_client.api.writes import cancel_order, place_order
from foldstream_client.models import CancelOrder, OrderItem, OrderSummary, PostOrder, PostOrderCurrency, ProblemDetails


def main(url: str, order_id: str) -> None:
    """Run the client, and print what each read returns."""
    client = Client(base_url=url)
    order = PostOrder(
        customer_id="ada",
        items=[OrderItem(product_id="flat", quantity=1, price=1_000_000_000_000)],
        shipping_address="1 Log Lane",
        currency=PostOrderCurrency.VND,
        order_id=order_id,
    )
    show(client, order_id, place_order.sync_detailed(client=client, body=order).headers["Consistency-Token"])
    show(client, order_id, cancel_order.sync_detailed(order_id, client=client, body=CancelOrder(reason="changed my mind")).headers["Consistency-Token"])
    problem = get_order.sync(f"no-{order_id}", client=client)
    assert isinstance(problem, ProblemDetails)
    print(problem.code)  # noqa: T201 (what the test reads)


def show(client: Client, order_id: str, token: str) -> None:
    """Print an order, once it shows the write of the token."""
    order = get_order.sync(order_id, client=client, consistency_token=token, prefer="wait=20")
    assert isinstance(order, OrderSummary)
    print(order.status, order.total_amount)  # noqa: T201 (what the test reads)


main(*sys.argv[1:])
