"""Opening a view's store: its identity, where each of its agents is, and how far it has to get before it serves.

No changelog is behind it: rows and positions are written together, and lost together, so an older store reads on and an empty one reads all.
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.kernel.cluster import describe
from app.kernel.disk import opened
from app.kernel.generation import generations
from app.kernel.position import Position, check, positions
from app.kernel.reader import bounds
from app.kernel.store import Store
from app.kernel.view_generations import ViewGenerations
from app.kernel.view_identity import ROW, ViewIdentity, view_identities
from app.kernel.view_side import Follower, ViewSide

Bounds = Mapping[str, tuple[int, int]]
"""First offset and end of this partition of each topic."""


class OpenView(NamedTuple):
    """Rows, the positions of the agents in them, and the ends of the topics when the store was opened. Who is not shown is at the ends: a build goes there."""

    rows: ViewGenerations
    reached: dict[Follower, Position]
    ends: dict[str, int]


async def open_view(side: ViewSide, partition: int, consumer: AIOKafkaConsumer, *, accept_loss: bool) -> OpenView:
    """The store, wiped first if it cannot be brought up to date. LostHistory when a log of record no longer has what lies at a position."""
    cluster = await describe(consumer._client, side.inputs)  # noqa: SLF001 (aiokafka has no public way to send a request)
    limits = {topic: await bounds(consumer, TopicPartition(topic, partition)) for topic in side.inputs}
    wanted = side.identity(cluster)
    store = opened(side.store_path(partition), lambda found: _unusable(found, wanted, side, limits))
    try:
        rows = _generations(store, side, wanted)
        reached = {follower: _position(rows, follower, wanted, limits, accept_loss=accept_loss) for follower in side.followers()}
    except BaseException:
        store.close()
        raise
    return OpenView(rows, reached, {topic: end for topic, (_, end) in limits.items()})


def _unusable(store: Store, wanted: ViewIdentity, side: ViewSide, limits: Bounds) -> str | None:
    found = view_identities.committed(store, ROW)
    if found is None:
        return None  # it is empty: the identity is written before everything else
    if not found.fits(wanted) or next(generations.rows(store), None) is None:
        return "its rows were folded from other logs, or by code that knew no generations"
    ahead = [follower.topic for follower in side.followers() if _offset_next(store, follower) > limits[follower.topic][1]]
    return f"it is ahead of the end of {ahead[0]}" if ahead else None


def _generations(store: Store, side: ViewSide, wanted: ViewIdentity) -> ViewGenerations:
    """Those of the code, beside those that are on disk; a new disk has those of the code alone."""
    found, rows = view_identities.committed(store, ROW), ViewGenerations(store, side.models)
    if found is None:
        rows.begin()
    store.write([(view_identities.prefix + ROW.encode(), view_identities.encode(found.joined(wanted) if found else wanted))])
    if found is not None:
        rows.open()
    return rows


def _position(rows: ViewGenerations, follower: Follower, wanted: ViewIdentity, limits: Bounds, *, accept_loss: bool) -> Position:
    offset_next = limits[follower.topic][1] if follower.agent in rows.unshown else _offset_next(rows.live, follower)
    return Position(wanted.logs[follower.topic], check(follower.topic, offset_next, *limits[follower.topic], accept_loss=accept_loss))


def _offset_next(store: Store, follower: Follower) -> int:
    position = positions.committed(store, follower.row)
    return position.offset_next if position else 0
