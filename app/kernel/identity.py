"""What a changelog is a cache of: the identity row, written as the last record of a rebuild; the first takes its fingerprint away."""

from enum import Enum

from msgspec import Struct

from app.kernel.cluster import Cluster
from app.kernel.outcome import LostHistory
from app.kernel.table import Table


class Identity(Struct, frozen=True):
    """The cluster, the changelog's own topic id, the ids of the logs it was folded from, and how they were folded."""

    cluster_id: str
    changelog_id: str
    logs: dict[str, str]
    fingerprint: str


class Rebuild(Enum):
    """How much of a changelog has to be made anew."""

    NOTHING = "nothing"
    FOLDS = "the folded rows"
    EVERYTHING = "everything"


identities = Table[Identity](None, name="identity", value_type=Identity)
ROW = "changelog"
UNFINISHED = "unfinished"
"""The fingerprint of rows that are being folded anew: no code has it."""


def expected(cluster: Cluster, changelog: str, logs: tuple[str, ...], fingerprint: str) -> Identity:
    """The identity that a changelog of this cluster, made by this code, has."""
    return Identity(cluster.cluster_id, cluster.topic_ids[changelog], {log: cluster.topic_ids[log] for log in logs}, fingerprint)


def compare(found: Identity | None, wanted: Identity, *, accept_loss: bool) -> tuple[Rebuild, str]:
    """What to rebuild, and why; LostHistory when the logs of record are not those that the changelog was folded from."""
    if found is None:
        return Rebuild.EVERYTHING, "the changelog has no identity row (it is new, or a rebuild was cut short)"
    if (found.cluster_id, found.changelog_id) != (wanted.cluster_id, wanted.changelog_id):
        return Rebuild.EVERYTHING, "the changelog was written for another topic of this name"
    lost = sorted(log for log, topic_id in found.logs.items() if wanted.logs.get(log) != topic_id)
    if lost and not accept_loss:
        message = f"the log of record {', '.join(lost)} was deleted and created again: restore it, or start with --accept-loss to go on with what is there"
        raise LostHistory(message)
    if lost:
        return Rebuild.EVERYTHING, f"loss of {', '.join(lost)} was accepted"
    if found.fingerprint != wanted.fingerprint:
        return Rebuild.FOLDS, "this code folds events in another way"
    return Rebuild.NOTHING, "intact"
