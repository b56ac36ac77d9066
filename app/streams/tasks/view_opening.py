"""Opening of a view's store: its identity, the position of each of its agents, and the ends that it has to reach before it serves.

A view has no changelog. Rows and positions are written together and lost together, so an older store continues and an empty one reads everything.
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.streams.errors import DataLossDetected
from app.streams.kafka.reader import bounds
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.identity import LogIdentity
from app.streams.projections.generation_store import GenerationStore
from app.streams.projections.generations import generations
from app.streams.state.positions import InputPosition, check, positions
from app.streams.state.store import StateStore, opened
from app.streams.state.table import Table
from app.streams.topology import ReadTopology, Subscription

view_identities = Table[LogIdentity](None, name="identity", value_type=LogIdentity)
ROW = "view"


Bounds = Mapping[str, tuple[int, int]]
"""First offset and end of each topic, in this partition."""


class OpenView(NamedTuple):
    """Rows, the positions of the agents in them, and the ends of the topics when the store was opened. Builds project the rows of hidden read models."""

    rows: GenerationStore
    reached: dict[Subscription, InputPosition]
    ends: dict[str, int]


async def open_view(side: ReadTopology, partition: int, consumer: AIOKafkaConsumer, cluster: ClusterIds, *, accept_loss: bool) -> OpenView:
    """Open the store; wipe it first if it cannot be brought up to date.

    Raise DataLossDetected, and wipe nothing, if a log of record is not the one from which the rows were projected.
    """
    limits = {topic: await bounds(consumer, TopicPartition(topic, partition)) for topic in side.inputs}
    wanted = side.identity(cluster)

    def unusable(found: StateStore) -> str | None:
        lost = _lost(found, wanted, side, limits, accept_loss=accept_loss)
        cluster.require_partitions(wanted.partitions)
        return f"a loss was accepted: {lost}" if lost else _unusable(found)

    store = opened(side.store_path(partition), unusable)
    try:
        rows = _generations(store, side, wanted)
        reached = _reached(rows, side, wanted, limits, accept_loss=accept_loss)
    except BaseException:
        store.close()
        raise
    return OpenView(rows, reached, {topic: end for topic, (_, end) in limits.items()})


def _lost(store: StateStore, wanted: LogIdentity, side: ReadTopology, limits: Bounds, *, accept_loss: bool) -> str | None:
    """Return which of the rows' logs are lost, if the operator accepted that; raise DataLossDetected otherwise."""
    found = view_identities.committed(store, ROW)
    if found is None:
        return None
    lost = found.require(wanted, accept_loss=accept_loss)
    if lost is None:
        for follower in side.followers():
            lost = lost or _cut(follower.topic, _offset_next(store, follower), limits[follower.topic][1])
    if lost is not None and not accept_loss:
        raise DataLossDetected(lost)
    return lost


def _cut(topic: str, offset_next: int, end: int) -> str | None:
    if offset_next <= end:
        return None
    return (
        f"{topic} ends at {end}, below {offset_next}, up to where this view has read it: the end of the log is lost. Nothing of what is kept here was changed: "
        "restore the log, or start with --accept-loss to fold the rows again from what is there"
    )


def _unusable(store: StateStore) -> str | None:
    signed = view_identities.committed(store, ROW) is not None  # the identity is written first
    return "its rows were folded by code that knew no generations" if signed and next(generations.rows(store), None) is None else None


def _generations(store: StateStore, side: ReadTopology, wanted: LogIdentity) -> GenerationStore:
    """Open the generations of the code beside those on disk. An empty disk gets those of the code alone."""
    found, rows = view_identities.committed(store, ROW), GenerationStore(store, side.models)
    if found is None:
        rows.begin()
    store.write([(view_identities.prefix + ROW.encode(), view_identities.encode(found.joined(wanted) if found else wanted))])
    if found is not None:
        rows.open()
    return rows


def _reached(rows: GenerationStore, side: ReadTopology, wanted: LogIdentity, limits: Bounds, *, accept_loss: bool) -> dict[Subscription, InputPosition]:
    """Return the position at which each agent continues.

    An agent whose rows are hidden only passes over events. It continues with the other agents of its topic, or at the end if there are none.
    """
    found = {follower: _offset_next(rows.live, follower) for follower in side.followers() if follower.agent not in rows.unshown}
    for follower in side.followers():
        others = [offset for other, offset in found.items() if other.topic == follower.topic and other.agent not in rows.unshown]
        found.setdefault(follower, min(others, default=limits[follower.topic][1]))
    checked = {follower: check(follower.topic, offset, *limits[follower.topic], accept_loss=accept_loss) for follower, offset in found.items()}
    return {follower: InputPosition(wanted.logs[follower.topic], offset_next) for follower, offset_next in checked.items()}


def _offset_next(store: StateStore, follower: Subscription) -> int:
    position = positions.committed(store, follower.row)
    return position.offset_next if position else 0
