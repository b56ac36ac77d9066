"""Long log, written as fast as possible: placed orders, each with its command, result, event and rows."""

from collections.abc import Iterable

from aiokafka import AIOKafkaProducer

from app.eventsourcing.ids import event_id
from app.settings import Settings
from schemas.timestamp import rfc3339
from tests.support.workers.written import topic_id

_Record = tuple[bytes, bytes, list[tuple[str, bytes]]]
_CHUNK = 1_000
_ITEMS = '"customerId":"c-1","items":[{"productId":"p-1","quantity":2,"price":500}]'
_ADDRESS = f'"currency":"EUR","shippingAddress":"{"Here " * 60}1"'
_CAUSE = '"metadata":{"correlationId":"some","causationId":"place-%d"}'
_COMMAND = (
    '{"commandId":"place-%d","commandType":"PlaceOrder","aggregateId":"order-%d","aggregateType":"Order","timestamp":"2026-01-01T00:00:00.000Z",'
    f'"metadata":{{}},"payload":{{{_ITEMS},{_ADDRESS}}}}}'
)
_EVENT = (
    '{"eventId":"%s","eventType":"OrderPlaced","aggregateId":"order-%d","aggregateType":"Order","version":1,"schemaVersion":2,"timestamp":"%s",'
    f'{_CAUSE},"payload":{{{_ITEMS},"totalAmount":1000,{_ADDRESS},"shippingMethod":"STANDARD"}}}}'
)
_RESULT = (
    '{"commandId":"place-%d","commandType":"PlaceOrder","aggregateId":"order-%d","aggregateType":"Order","outcome":"accepted","version":1,'
    f'"eventIds":["%s"],{_CAUSE}}}'
)
_ROW = b'{"version":1,"state":{"type":"PLACED","products":["p-1"]}}'
_ANSWERED = b'{"place-%d":{"version":1,"events":1,"command":"PlaceOrder","body":"0123456789abcdef"}}'


async def place_orders(settings: Settings, count: int) -> None:
    """Place this many orders in an environment of one partition, with five records each."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, max_batch_size=4 << 20, acks=1) as producer:
        for begin in range(0, count, _CHUNK):
            await _place(producer, settings, range(begin, min(count, begin + _CHUNK)))
        position = b'{"topic_id":"%b","offset_next":%d}' % ((await topic_id(settings, "commands.order")).encode(), count)
        await _write(producer, settings.changelog, [(f"position\0{settings.topic('commands.order')}".encode(), position, [])])


async def _place(producer: AIOKafkaProducer, settings: Settings, orders: range) -> None:
    commands = settings.topic("commands.order")
    at = await _write(producer, commands, ((_key(order), (_COMMAND % (order, order)).encode(), []) for order in orders))
    ids = {order: event_id("Order", f"order-{order}", f"place-{order}", 0) for order in orders}
    await _write(producer, settings.topic("events.order"), (_event(order, ids[order], rfc3339(at)) for order in orders))
    await _write(producer, settings.topic("results"), (_result(commands, order, ids[order]) for order in orders))
    await _write(producer, settings.changelog, ((b"order\0" + _key(order), _ROW, []) for order in orders))
    await _write(producer, settings.changelog, ((b"order-answer\0" + _key(order), _ANSWERED % order, []) for order in orders))


def _event(order: int, identity: str, at: str) -> _Record:
    return _key(order), (_EVENT % (identity, order, at, order)).encode(), []


def _result(commands: str, order: int, identity: str) -> _Record:
    headers = [("command-topic", commands.encode()), ("command-partition", b"0"), ("command-offset", b"%d" % order)]
    return _key(order), (_RESULT % (order, order, identity, order)).encode(), headers


def _key(order: int) -> bytes:
    return b"order-%d" % order


async def _write(producer: AIOKafkaProducer, topic: str, records: Iterable[_Record]) -> int:
    """Write records in one batch. Return their timestamp in the log (ms)."""
    batch = producer.create_batch()
    for key, value, headers in records:
        assert batch.append(key=key, value=value, timestamp=None, headers=headers) is not None
    written = await (await producer.send_batch(batch, topic, partition=0))
    return int(written.timestamp)
