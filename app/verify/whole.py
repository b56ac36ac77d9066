"""What the partitions that are audited one after the other share."""

from collections.abc import Mapping
from typing import NamedTuple

from app.settings import Settings
from app.verify.findings import Findings
from app.verify.orders.collector import OrderFacts
from app.verify.read_models.customer_name_check import Names
from app.verify.reading.log_reader import LogReader
from app.verify.totals import Totals


class VerifyRun(NamedTuple):
    """An audit."""

    settings: Settings
    logs: LogReader
    findings: Findings
    orders: OrderFacts
    names: Names
    sums: Totals
    topic_ids: Mapping[str, str]
    """Those of the topics that are there now: what was read from others of the same names is not judged by offsets."""
