"""The broker's rules for the transactions of one transactional id over two partitions, as a value. `test_broker.py` compares them with a real broker.

The rules are those of Kafka 4 for requests of version 0, which aiokafka sends: the epoch changes with InitProducerId only, so a late request acts on whatever
transaction of its epoch is open then (KIP-890). A batch takes one offset here, like a batch of one record.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Answer = Literal["ok", "fenced", "concurrent", "invalid", "out of order", "refused"]
"""Answers: `concurrent` means to retry once the markers of the last transaction are written; `invalid`, not in this state; `refused`, too large."""

Status = Literal["empty", "open", "committing", "aborting", "committed", "aborted"]
"""State of a transaction. In `committing` and `aborting` it is decided, and its markers are still to be written."""

Marker = Literal["commit", "abort"]

EVENTS, CHANGELOG = PARTITIONS = 0, 1
"""Partitions of the model: one for events, results and parked records, the other for rows and positions."""


class Batch(NamedTuple):
    """Content of one Produce. `content` means nothing to the broker."""

    content: Any
    too_large: bool = False


class Init(NamedTuple):
    """InitProducerId request."""


class Add(NamedTuple):
    """AddPartitionsToTxn request for these partitions."""

    epoch: int
    partitions: tuple[int, ...] = PARTITIONS


class Produce(NamedTuple):
    """Produce request to one partition; `sequence` counts from 0 in each epoch and partition."""

    epoch: int
    partition: int
    sequence: int
    batch: Batch


class End(NamedTuple):
    """EndTxn request."""

    epoch: int
    marker: Marker


Request = Init | Add | Produce | End
Log = tuple[Batch | Marker, ...]


class Partition(NamedTuple):
    """Log, and its leader's knowledge of the producer: the newest epoch, and the sequence number expected next."""

    log: Log = ()
    epoch: int = -1
    sequence: int = 0

    @property
    def is_open(self) -> bool:
        """True while a transaction is open here, because its marker is not written yet."""
        return bool(self.log) and isinstance(self.log[-1], Batch)


class Broker(NamedTuple):
    """State of the coordinator and of the partitions."""

    epoch: int = -1
    status: Status = "empty"
    members: tuple[int, ...] = ()
    """Partitions of the open transaction, or those whose markers are still to be written."""
    partitions: tuple[Partition, Partition] = (Partition(), Partition())


def receive(broker: Broker, request: Request) -> tuple[Broker, Answer]:
    """Return the broker after a request, and its answer."""
    match request:
        case Init():
            return _init(broker)
        case Add():
            return _add(broker, request)
        case Produce():
            return _produce(broker, request)
        case End():
            return _end(broker, request)


def _init(broker: Broker) -> tuple[Broker, Answer]:
    """Fence older epochs. The new epoch is granted once an open transaction is aborted, or a decided one completed, markers included."""
    if broker.status == "open":
        return broker._replace(epoch=broker.epoch + 1, status="aborting"), "concurrent"
    if unmarked(broker):
        return broker, "concurrent"
    return broker._replace(epoch=broker.epoch + 1, status="empty"), "ok"


def _add(broker: Broker, request: Add) -> tuple[Broker, Answer]:
    if request.epoch != broker.epoch:
        return broker, "fenced"
    if unmarked(broker):
        return broker, "concurrent"
    before = broker.members if broker.status == "open" else ()
    return broker._replace(status="open", members=tuple(sorted({*before, *request.partitions}))), "ok"


def _produce(broker: Broker, request: Produce) -> tuple[Broker, Answer]:
    """Append a batch. The leader asks the coordinator only if no transaction is open there (KIP-890), so a late batch may still join a decided one."""
    partition = broker.partitions[request.partition]
    if request.epoch < partition.epoch:
        return broker, "fenced"
    if not partition.is_open and request.epoch != broker.epoch:
        return broker, "fenced"
    if not partition.is_open and (broker.status != "open" or request.partition not in broker.members):
        return broker, "invalid"
    if request.batch.too_large:
        return broker, "refused"
    expected = partition.sequence if request.epoch == partition.epoch else 0
    if request.sequence != expected and partition.epoch >= 0:
        return broker, "ok" if request.sequence < expected else "out of order"  # a batch that was sent twice is there once
    after = Partition((*partition.log, request.batch), request.epoch, request.sequence + 1)
    return broker._replace(partitions=_with(broker.partitions, request.partition, after)), "ok"


def _end(broker: Broker, request: End) -> tuple[Broker, Answer]:
    if request.epoch != broker.epoch:
        return broker, "fenced"
    decided: Status = "committing" if request.marker == "commit" else "aborting"
    if broker.status == "open":
        return broker._replace(status=decided), "ok"
    if broker.status == decided:
        return broker, "concurrent"
    return broker, "ok" if broker.status == _ended(decided) else "invalid"


def mark(broker: Broker, number: int) -> Broker:
    """Write the marker of the decided transaction to one of its partitions. The last marker completes it."""
    partition, left = broker.partitions[number], tuple(other for other in broker.members if other != number)
    marker: Marker = "commit" if broker.status == "committing" else "abort"
    sequence = partition.sequence if partition.epoch == broker.epoch else 0
    after = Partition((*partition.log, marker), broker.epoch, sequence)
    return broker._replace(members=left, partitions=_with(broker.partitions, number, after), status=broker.status if left else _ended(broker.status))


def unmarked(broker: Broker) -> tuple[int, ...]:
    """Return the partitions that wait for a marker."""
    return broker.members if broker.status in {"committing", "aborting"} else ()


def visible(broker: Broker, partition: int) -> Iterator[tuple[int, Batch]]:
    """Yield offsets and batches that a `read_committed` reader sees."""
    return iter(_followed_by_commit(broker.partitions[partition].log))


def last_stable_offset(broker: Broker, partition: int) -> int:
    """Return the end of what a reader sees: the first offset without a marker."""
    log = broker.partitions[partition].log
    return next((offset for offset in range(len(log), 0, -1) if not isinstance(log[offset - 1], Batch)), 0)


def decided(broker: Broker, partition: int) -> tuple[tuple[int, Batch], ...]:
    """Return the committed batches, visible or not, because EndTxn is answered before the markers are written."""
    log = broker.partitions[partition].log
    return _followed_by_commit((*log, "commit") if broker.status == "committing" and partition in broker.members else log)


@lru_cache(maxsize=1 << 16)
def _followed_by_commit(log: Log) -> tuple[tuple[int, Batch], ...]:
    committed: list[tuple[int, Batch]] = []
    waiting: list[tuple[int, Batch]] = []
    for offset, entry in enumerate(log):
        if isinstance(entry, Batch):
            waiting.append((offset, entry))
        else:
            committed += waiting if entry == "commit" else []
            waiting.clear()
    return tuple(committed)


def _ended(status: Status) -> Status:
    return "committed" if status == "committing" else "aborted"


def _with(partitions: tuple[Partition, Partition], number: int, partition: Partition) -> tuple[Partition, Partition]:
    return (partition, partitions[1]) if number == 0 else (partitions[0], partition)
