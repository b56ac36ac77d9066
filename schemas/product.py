"""Commands and events of the Product and its inventory (contract, section 3)."""

from schemas.envelopes import Command, Event
from schemas.fields import Currency, Id, Money, Quantity, RecordedCurrency, Text


class RegisterProduct(Command):
    """Command to offer a product. It begins without stock."""

    name: Text
    price: Money
    currency: Currency


class ReceiveStock(Command):
    """Command to add received goods to the stock."""

    quantity: Quantity


class ReserveInventory(Command):
    """Command to reserve stock for an order."""

    order_id: Id
    quantity: Quantity
    again: bool = False
    """True to reserve again for an order whose reservation was released."""


class ReleaseInventory(Command):
    """Command to release an order's reservation."""

    order_id: Id


class ShipInventory(Command):
    """Command to ship an order's reserved stock."""

    order_id: Id


class ProductRegistered(Event):
    """Event: the product was registered."""

    name: Text
    price: Money
    currency: RecordedCurrency


class StockReceived(Event):
    """Event: stock was received."""

    quantity: Quantity


class InventoryReserved(Event):
    """Event: stock was reserved for an order."""

    order_id: Id
    quantity: Quantity


class InventoryReleased(Event):
    """Event: an order's reserved stock is available again."""

    order_id: Id
    quantity: Quantity


class InventoryShipped(Event):
    """Event: an order's reserved stock was shipped."""

    order_id: Id
    quantity: Quantity


ProductCommand = RegisterProduct | ReceiveStock | ReserveInventory | ReleaseInventory | ShipInventory
ProductEvent = ProductRegistered | StockReceived | InventoryReserved | InventoryReleased | InventoryShipped
