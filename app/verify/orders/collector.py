"""Collector of the facts about each order. Its own events, its saga's, its payments and its reservations lie in several partitions."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from app.domain.order_fulfilment.completion import end
from app.verify.orders.facts import FactKind, FactsOfOrder, OrderEvent, OrderTerms, SagaEnd, add
from app.verify.orders.saga_endings import by_operator
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.records import Event as Envelope
from schemas.customer import PaymentProcessed, PaymentRefunded
from schemas.envelopes import Event
from schemas.order import OrderCancelled, OrderConfirmed, OrderPlaced, OrderShipped
from schemas.product import InventoryReleased, InventoryReserved, InventoryShipped
from schemas.saga import SagaCompensationStarted, SagaOrderShipped, SagaStarted, SagaStepRetried, SagaStepSkipped

_ORDER, _HELD, _OFF, _ANY = b"order\0", b"held\0", b"off\0", b""
_encode = msgspec.json.Encoder().encode


class OrderFacts:
    """Facts by order, from the events of all partitions."""

    def __init__(self, scratch: DiskMap) -> None:
        self._scratch = scratch

    def take(self, record: ConsumerRecord, event: Envelope, payload: Event, states: tuple[Any, Any], *, sure: bool) -> None:
        """Take the next event of an aggregate, with the states before and after it.

        `sure` is true if everything else that is read must reflect the event.
        """
        match payload:
            case InventoryReserved() | InventoryReleased() | InventoryShipped():
                happened = OrderEvent(event.event_id, event.metadata.causation_id, payload.quantity, version=event.version)
                self._put(payload.order_id, event.event_type, happened, event.aggregate_id)
            case PaymentProcessed() | PaymentRefunded():
                happened = OrderEvent(event.event_id, event.metadata.causation_id, payload.amount, payload.currency, event.version)
                self._put(payload.order_id, event.event_type, happened, event.aggregate_id)
            case OrderPlaced():
                self._put(event.aggregate_id, FactKind.PLACED, _ordered(payload))
            case OrderConfirmed() | OrderShipped() | OrderCancelled():
                self._put(event.aggregate_id, event.event_type, OrderEvent(event.event_id, event.metadata.causation_id))
            case _ if event.aggregate_type == "Saga":
                self._follow(record, event, payload, *states)
        if event.aggregate_type in {"Order", "Saga"} and not sure:
            self._put(event.aggregate_id, FactKind.MOVING)

    def hold(self, product_id: bytes) -> None:
        """Mark a product that has pending commands: one is not processed yet, or was parked, and may take effect later or never."""
        self._scratch.put(_HELD + product_id, b"")

    def hold_all(self) -> None:
        """Mark all products, because some commands are not visible yet."""
        self.hold(_ANY)

    def held(self, product_id: str) -> bool:
        """Return True if the product has pending commands."""
        return any(self._scratch.get(_HELD + key) is not None for key in (product_id.encode(), _ANY))

    def take_off(self, aggregate_id: str) -> None:
        """Mark an aggregate, of any type, with an unknown event: the facts about its orders may be incomplete."""
        self._scratch.put(_OFF + aggregate_id.encode(), b"")

    def known(self, told: FactsOfOrder) -> bool:
        """Return True if all facts about an order are known."""
        about = {told.order_id, *(about for _, about in told.happened)}
        for wanted in filter(None, (told.placed, told.started)):
            about |= {wanted.customer_id, *wanted.pieces}
        return all(self._scratch.get(_OFF + each.encode()) is None for each in about)

    async def told(self) -> AsyncIterator[FactsOfOrder]:
        """Yield each order with its facts."""
        told = FactsOfOrder("")
        async for key, value in self._scratch.scan(_ORDER):
            _, order_id, kind, about = key.decode().split("\0")
            if order_id != told.order_id:
                if told.order_id:
                    yield told
                told = FactsOfOrder(order_id)
            add(told, kind, about, value)
        if told.order_id:
            yield told

    def _follow(self, record: ConsumerRecord, event: Envelope, payload: Any, before: Any, after: Any) -> None:  # noqa: ANN401 (a saga's event and states)
        order_id, version = event.aggregate_id, str(event.version)
        self._put(order_id, FactKind.SAGA, SagaEnd(event.event_type, record.partition, record.offset, bool(end(after))))
        match payload:
            case SagaStarted():
                pieces = {line.product_id: line.quantity for line in payload.lines}
                self._put(order_id, FactKind.STARTED, OrderTerms(payload.customer_id, payload.amount, payload.currency, pieces))
            case SagaStepRetried() | SagaCompensationStarted():
                self._put(order_id, FactKind.ATTEMPT, about=version)
            case SagaOrderShipped():
                self._put(order_id, FactKind.LEFT)
            case SagaStepSkipped():
                self._put(order_id, FactKind.OPERATOR)
            case _ if by_operator(before, payload):
                self._put(order_id, FactKind.OPERATOR)
            case _:
                pass

    def _put(self, order_id: str, kind: str, what: object = None, about: str = "") -> None:
        self._scratch.put(_ORDER + f"{order_id}\0{kind}\0{about}".encode(), _encode(what))


def _ordered(order: OrderPlaced) -> OrderTerms:
    pieces: dict[str, int] = {}
    for item in order.items:
        pieces[item.product_id] = pieces.get(item.product_id, 0) + item.quantity
    return OrderTerms(order.customer_id, order.total_amount, order.currency, pieces)
