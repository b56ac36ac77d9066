"""What other services and clients are told of orders (contract, section 3)."""

from schemas.message import Message


class Notification(Message):
    """Id and status only."""

    order_id: str
    status: str
    version: int
