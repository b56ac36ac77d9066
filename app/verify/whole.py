"""What the partitions that are audited one after the other share."""

from collections.abc import Mapping
from typing import NamedTuple

from app.settings import Settings
from app.verify.findings import Findings
from app.verify.orders.collector import Orders
from app.verify.read_models.customer_name_check import Names
from app.verify.reading.log_reader import Logs
from app.verify.totals import Sums


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
