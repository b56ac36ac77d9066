"""What the rows of a view were folded from, and by which code: the first row of its store."""

from msgspec import Struct

from app.kernel.table import Table


class ViewIdentity(Struct, frozen=True):
    """The cluster, the ids of the logs of record by topic, and the fingerprints of the read models by agent."""

    cluster_id: str
    logs: dict[str, str]
    models: dict[str, str]


view_identities = Table[ViewIdentity](None, name="identity", value_type=ViewIdentity)
ROW = "view"
