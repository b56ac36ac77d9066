"""Stock of each product, projected from the log of record."""

import msgspec

from app.domain.product import product_decider
from app.domain.read_models.product_stock import ProductStock, project
from app.eventsourcing.recorded_event import RecordedEvent, upcasts
from app.settings import Settings
from app.streams.app import app
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from app.topics.contract import event_topic

products = app.Table("product-stock", value_type=ProductStock)


class Stock:
    """Read model with a row for each product."""

    agent = "product_stock"

    def __init__(self, settings: Settings, products: Table[ProductStock]) -> None:
        self.events: tuple[str, ...] = (event_topic(settings, "Product"),)
        self.fingerprint = fingerprint([project, *upcasts(product_decider.events), Stock], [msgspec.json.schema(ProductStock)])
        self._products = products

    def before(self, event: RecordedEvent) -> ProductStock | None:
        """Return the product's row; None when there is none."""
        return self._products.get(event.aggregate_id)

    def apply(self, before: ProductStock | None, event: RecordedEvent, value: bytes) -> None:
        """Project an event into the product's row."""
        del value
        self._products[event.aggregate_id] = project(before, event)

    def committed(self, store: StateStore, product_id: str) -> ProductStock | None:
        """Return a product's row; None when the product was never registered."""
        return self._products.committed(store, product_id)


stock = Stock(app.side.settings, products)
