"""What the rows of a view were folded from: the first row of its store. By which code, their generations say."""

from msgspec import Struct

from app.kernel.table import Table


class ViewIdentity(Struct, frozen=True):
    """The cluster, and the ids of the logs by topic."""

    cluster_id: str
    logs: dict[str, str]

    def fits(self, other: "ViewIdentity") -> bool:
        """True if no log of the two is another; new code may read more of them."""
        return self.cluster_id == other.cluster_id and all(other.logs.get(topic, topic_id) == topic_id for topic, topic_id in self.logs.items())

    def joined(self, other: "ViewIdentity") -> "ViewIdentity":
        """Of rows folded from the logs of both."""
        return ViewIdentity(self.cluster_id, {**self.logs, **other.logs})


view_identities = Table[ViewIdentity](None, name="identity", value_type=ViewIdentity)
ROW = "view"
