"""Identity row of a changelog: cluster, topic ids and code fingerprint it was built from.

A rebuild invalidates the row first and writes it last, so that an interrupted rebuild is detected.
"""

from enum import Enum

from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.identity import LogIdentity
from app.streams.state.table import Table


class ChangelogIdentity(LogIdentity, frozen=True, kw_only=True):
    """Logs of record from which the changelog was folded, its own topic id, and the fingerprint of the folds."""

    changelog_id: str
    fingerprint: str


class RebuildScope(Enum):
    """Part of a changelog that has to be rebuilt."""

    NOTHING = "nothing"
    FOLDS = "the folded rows"
    EVERYTHING = "everything"


identities = Table[ChangelogIdentity](None, name="identity", value_type=ChangelogIdentity)
ROW = "changelog"
UNFINISHED = "unfinished"
"""Fingerprint of rows that are being rebuilt. No code has it."""


def expected(cluster: ClusterIds, changelog: str, logs: tuple[str, ...], fingerprint: str, partitions: int) -> ChangelogIdentity:
    """Return the identity of a changelog of this cluster that this code has built."""
    ids = {log: cluster.topic_ids[log] for log in logs}
    return ChangelogIdentity(cluster.cluster_id, ids, partitions, changelog_id=cluster.topic_ids[changelog], fingerprint=fingerprint)


def compare(found: ChangelogIdentity | None, wanted: ChangelogIdentity, *, accept_loss: bool) -> tuple[RebuildScope, str]:
    """Return what to rebuild, and why; raise DataLossDetected if the changelog was folded from other logs of record."""
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
