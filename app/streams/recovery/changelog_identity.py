"""What a changelog is a cache of: the identity row, written as the last record of a rebuild; the first takes its fingerprint away."""

from enum import Enum

from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.identity import LogIdentity
from app.streams.state.table import Table


class ChangelogIdentity(LogIdentity, frozen=True, kw_only=True):
    """The logs of record that the changelog was folded from, its own topic id, and how they were folded."""

    changelog_id: str
    fingerprint: str


class RebuildScope(Enum):
    """How much of a changelog has to be made anew."""

    NOTHING = "nothing"
    FOLDS = "the folded rows"
    EVERYTHING = "everything"


identities = Table[ChangelogIdentity](None, name="identity", value_type=ChangelogIdentity)
ROW = "changelog"
UNFINISHED = "unfinished"
"""The fingerprint of rows that are being folded anew: no code has it."""


def expected(cluster: ClusterIds, changelog: str, logs: tuple[str, ...], fingerprint: str, partitions: int) -> ChangelogIdentity:
    """The identity that a changelog of this cluster, made by this code, has."""
    ids = {log: cluster.topic_ids[log] for log in logs}
    return ChangelogIdentity(cluster.cluster_id, ids, partitions, changelog_id=cluster.topic_ids[changelog], fingerprint=fingerprint)


def compare(found: ChangelogIdentity | None, wanted: ChangelogIdentity, *, accept_loss: bool) -> tuple[RebuildScope, str]:
    """What to rebuild, and why; DataLossDetected when the logs of record are not those that the changelog was folded from."""
    if found is None:
        return RebuildScope.EVERYTHING, "the changelog has no identity row (it is new, or a rebuild was cut short)"
    lost = found.require(wanted, accept_loss=accept_loss)
    if lost is not None:
        return RebuildScope.EVERYTHING, f"a loss was accepted: {lost}"
    if found.changelog_id != wanted.changelog_id:
        return RebuildScope.EVERYTHING, "the changelog was written for another topic of this name"
    if found.fingerprint != wanted.fingerprint:
        return RebuildScope.FOLDS, "this code folds events in another way"
    return RebuildScope.NOTHING, "intact"
