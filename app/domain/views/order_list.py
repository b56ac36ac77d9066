"""Where an order stands in a list that begins with the newest; its place says so in the order of keys."""

from typing import NamedTuple

from app.domain.views.order_summary import OrderSummary

_BACKWARDS = str.maketrans("0123456789", "9876543210")


class Listed(NamedTuple):
    """An order, and its place in a list."""

    place: str
    order: OrderSummary


def place(order: OrderSummary, under: str) -> str:
    """The place under a heading; it does not change as long as the heading does not."""
    return f"{under}/{newest_first(order.order_date, order.order_id)}"


def newest_first(order_date: str, order_id: str) -> str:
    """Sorts before that of every order that is older; a slash is in no id and in no time."""
    return f"{order_date.translate(_BACKWARDS)}/{order_id}"
