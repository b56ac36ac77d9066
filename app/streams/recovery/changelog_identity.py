"""What a changelog is a cache of: the identity row, written as the last record of a rebuild; the first takes its fingerprint away."""

from enum import Enum

from app.streams.kafka.topic_ids import Cluster
from app.streams.logs.identity import LogIdentity
from app.streams.state.table import Table


class Identity(LogIdentity, frozen=True, kw_only=True):
    """The logs of record that the changelog was folded from, its own topic id, and how they were folded."""

    changelog_id: str
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


def expected(cluster: Cluster, changelog: str, logs: tuple[str, ...], fingerprint: str, partitions: int) -> Identity:
    """The identity that a changelog of this cluster, made by this code, has."""
    ids = {log: cluster.topic_ids[log] for log in logs}
    return Identity(cluster.cluster_id, ids, partitions, changelog_id=cluster.topic_ids[changelog], fingerprint=fingerprint)


def compare(found: Identity | None, wanted: Identity, *, accept_loss: bool) -> tuple[Rebuild, str]:
    """What to rebuild, and why; LostHistory when the logs of record are not those that the changelog was folded from."""
    if found is None:
        return Rebuild.EVERYTHING, "the changelog has no identity row (it is new, or a rebuild was cut short)"
    lost = found.require(wanted, accept_loss=accept_loss)
    if lost is not None:
        return Rebuild.EVERYTHING, f"a loss was accepted: {lost}"
    if found.changelog_id != wanted.changelog_id:
        return Rebuild.EVERYTHING, "the changelog was written for another topic of this name"
    if found.fingerprint != wanted.fingerprint:
        return Rebuild.FOLDS, "this code folds events in another way"
    return Rebuild.NOTHING, "intact"
