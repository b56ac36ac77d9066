"""Stock of a product: on hand, and reserved."""

from app.domain.product import Registered, product_decider
from schemas.product import InventoryReleased, InventoryReserved, InventoryShipped
from tests.support.domain.examples import OFFERED, RESERVED
from tests.support.domain.scenario import given


def test_all_that_is_available_can_be_reserved_and_no_piece_more() -> None:
    lamp = given(product_decider, *OFFERED, RESERVED)

    lamp.when("ReserveInventory", orderId="o-2", quantity=7).then(InventoryReserved(order_id="o-2", quantity=7))
    lamp.when("ReserveInventory", orderId="o-2", quantity=8).refused("insufficient-stock")


def test_an_order_that_has_reserved_is_told_so_even_when_stock_is_short() -> None:
    given(product_decider, *OFFERED, RESERVED).when("ReserveInventory", orderId="o-1", quantity=1_000).refused("already-exists", "RESERVED")


def test_a_release_gives_back_what_was_reserved() -> None:
    lamp = given(product_decider, *OFFERED, RESERVED)

    lamp.when("ReleaseInventory", orderId="o-1").then(InventoryReleased(order_id="o-1", quantity=3))
    assert lamp.after("ReleaseInventory", orderId="o-1").root == Registered(on_hand=10)


def test_a_shipment_takes_what_was_reserved_off_the_shelf() -> None:
    lamp = given(product_decider, *OFFERED, RESERVED)

    lamp.when("ShipInventory", orderId="o-1").then(InventoryShipped(order_id="o-1", quantity=3))
    assert lamp.after("ShipInventory", orderId="o-1").root == Registered(on_hand=7, shipped=3)


def test_one_orders_reservation_is_not_anothers() -> None:
    given(product_decider, *OFFERED, RESERVED).when("ReleaseInventory", orderId="o-2").refused("not-found")


def test_what_was_released_is_reserved_again_where_that_is_wanted_and_what_stands_is_not() -> None:
    released = given(product_decider, *OFFERED, RESERVED, InventoryReleased(order_id="o-1", quantity=3))

    released.when("ReserveInventory", orderId="o-1", quantity=2, again=True).then(InventoryReserved(order_id="o-1", quantity=2))
    given(product_decider, *OFFERED, RESERVED).when("ReserveInventory", orderId="o-1", quantity=2, again=True).refused("already-exists", "RESERVED")
