"""The Product's commands and events: a product is its inventory (contract, section 3)."""

from schemas.envelopes import Command, Event
from schemas.fields import Currency, Id, Money, Quantity, RecordedCurrency, Text


class RegisterProduct(Command):
    """Offer a product; it begins without stock."""

    name: Text
    price: Money
    currency: Currency


class ReceiveStock(Command):
    """Goods arrive."""

    quantity: Quantity


class ReserveInventory(Command):
    """Set stock aside for an order."""

    order_id: Id
    quantity: Quantity
    again: bool = False
    """Also where the order's reservation was released."""


class ReleaseInventory(Command):
    """Give back what was set aside for an order."""

    order_id: Id


class ShipInventory(Command):
    """What was set aside for an order leaves."""

    order_id: Id


class ProductRegistered(Event):
    """A product is offered."""

    name: Text
    price: Money
    currency: RecordedCurrency


class StockReceived(Event):
    """Goods arrived."""

    quantity: Quantity


class InventoryReserved(Event):
    """Stock is set aside for an order."""

    order_id: Id
    quantity: Quantity


class InventoryReleased(Event):
    """What was set aside for an order is available again."""

    order_id: Id
    quantity: Quantity


class InventoryShipped(Event):
    """What was set aside for an order has left."""

    order_id: Id
    quantity: Quantity


ProductCommand = RegisterProduct | ReceiveStock | ReserveInventory | ReleaseInventory | ShipInventory
ProductEvent = ProductRegistered | StockReceived | InventoryReserved | InventoryReleased | InventoryShipped
