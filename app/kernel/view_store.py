"""Opening a view's store: its identity, where each of its agents is, and how far it has to get before it serves.

No changelog is behind it: rows and positions are written together, and lost together, so an older store reads on and an empty one reads all.
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.kernel.cluster import describe
from app.kernel.disk import opened
from app.kernel.position import Position, check, positions
from app.kernel.reader import bounds
from app.kernel.store import Store
from app.kernel.view_identity import ROW, ViewIdentity, view_identities
from app.kernel.view_side import Follower, ViewSide

Bounds = Mapping[str, tuple[int, int]]
"""First offset and end of this partition of each topic."""


class OpenView(NamedTuple):
    """A store, the positions of the agents in it, and the ends of the topics when it was opened."""

    store: Store
    reached: dict[Follower, Position]
    ends: dict[str, int]


async def open_view(side: ViewSide, partition: int, consumer: AIOKafkaConsumer, *, accept_loss: bool) -> OpenView:
    """The store, wiped first if it cannot be brought up to date. LostHistory when a log of record no longer has what lies at a position."""
    cluster = await describe(consumer._client, side.inputs)  # noqa: SLF001 (aiokafka has no public way to send a request)
    limits = {topic: await bounds(consumer, TopicPartition(topic, partition)) for topic in side.inputs}
    wanted = side.identity(cluster)
    store = opened(side.store_path(partition), lambda found: _unusable(found, wanted, side, limits))
    try:
        reached = {follower: _position(store, follower, wanted, limits, accept_loss=accept_loss) for follower in side.followers()}
        _sign(store, wanted)
    except BaseException:
        store.close()
        raise
    return OpenView(store, reached, {topic: end for topic, (_, end) in limits.items()})


def _unusable(store: Store, wanted: ViewIdentity, side: ViewSide, limits: Bounds) -> str | None:
    found = view_identities.committed(store, ROW)
    if found is None:
        return None  # it is empty: the identity is written before everything else
    if found != wanted:
        return "its rows were folded from other logs, or by other code"
    ahead = [follower.topic for follower in side.followers() if _offset_next(store, follower) > limits[follower.topic][1]]
    return f"it is ahead of the end of {ahead[0]}" if ahead else None


def _position(store: Store, follower: Follower, wanted: ViewIdentity, limits: Bounds, *, accept_loss: bool) -> Position:
    offset_next = check(follower.topic, _offset_next(store, follower), *limits[follower.topic], accept_loss=accept_loss)
    return Position(wanted.logs[follower.topic], offset_next)


def _offset_next(store: Store, follower: Follower) -> int:
    position = positions.committed(store, follower.row)
    return position.offset_next if position else 0


def _sign(store: Store, identity: ViewIdentity) -> None:
    store.write([(view_identities.prefix + ROW.encode(), view_identities.encode(identity))])
