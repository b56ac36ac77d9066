"""What the partitions that are audited one after the other share."""

from collections.abc import Mapping
from typing import NamedTuple

from app.audit.finding import Findings
from app.audit.logs import Logs
from app.audit.orders import Orders
from app.audit.sums import Sums
from app.audit.view_names import Names
from app.settings import Settings


class Whole(NamedTuple):
    """An audit."""

    settings: Settings
    logs: Logs
    findings: Findings
    orders: Orders
    names: Names
    sums: Sums
    topic_ids: Mapping[str, str]
    """Those of the topics that are there now: what was read from others of the same names is not judged by offsets."""
