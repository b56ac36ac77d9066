"""Identity of the logs of record that rows were built from. Names can be used again, but the ids of clusters and topics cannot."""

from msgspec import Struct
from msgspec.structs import replace

from app.streams.errors import DataLossDetected, Repartitioned


class LogIdentity(Struct, frozen=True):
    """Cluster, topic id of each log of record, and number of partitions that keys are spread over."""

    cluster_id: str
    logs: dict[str, str]
    partitions: int = 0
    """Number of partitions; 0 in rows that were written before this was kept."""

    def require(self, now: "LogIdentity", *, accept_loss: bool) -> str | None:
        """Return None if the logs of `now` are the same; if not, and the loss is accepted, return the difference.

        Raises DataLossDetected if the loss is not accepted, and Repartitioned, whatever is accepted, for another number of partitions. New code may read more
        logs, or fewer.
        """
        if self.partitions not in {0, now.partitions}:
            raise Repartitioned(repartitioned(self.partitions, now.partitions))
        lost = self._lost(now)
        if lost is not None and not accept_loss:
            raise DataLossDetected(lost)
        return lost

    def joined(self, other: "LogIdentity") -> "LogIdentity":
        """Return the identity of rows that were built from the logs of both."""
        return replace(other, logs={**self.logs, **other.logs})

    def _lost(self, now: "LogIdentity") -> str | None:
        if self.cluster_id != now.cluster_id:
            return (
                f"the rows here were made from the logs of the Kafka cluster {self.cluster_id}, and this is the cluster {now.cluster_id}: if it is the wrong "
                "cluster or data directory, correct FOLDSTREAM_BROKER or FOLDSTREAM_DATADIR; if the topics were copied here, start once with --accept-loss: "
                "rows are rebuilt from the copied logs and commands are read from their beginning, where repeated ones are answered as duplicates"
            )
        lost = sorted(log for log, topic_id in self.logs.items() if now.logs.get(log, topic_id) != topic_id)
        if not lost:
            return None
        return (
            f"the log of record {', '.join(lost)} was deleted and created again. Nothing of what is kept here was changed: "
            "restore the log, or start with --accept-loss to go on with what is there"
        )


def repartitioned(before: int, now: int) -> str:
    """Describe a changed number of partitions, and the operator's choices."""
    return (
        f"the log of record was written with {before} partitions, and now there are to be {now}: keys would belong to other partitions, and aggregates would "
        f"begin again at version 1. Set FOLDSTREAM_PARTITIONS={before}; partitions that were added to the topics cannot be removed: "
        f"copy the topics into new ones of {before} partitions, under another FOLDSTREAM_TOPIC_PREFIX"
    )
