"""State shared by all partitions of one `verify` run."""

from collections.abc import Mapping
from typing import NamedTuple

from app.settings import Settings
from app.verify.findings import Findings
from app.verify.orders.collector import OrderFacts
from app.verify.read_models.customer_name_check import Names
from app.verify.reading.log_reader import LogReader
from app.verify.totals import Totals


class VerifyRun(NamedTuple):
    """Verify run: what the checks of its partitions share."""

    settings: Settings
    logs: LogReader
    findings: Findings
    orders: OrderFacts
    names: Names
    sums: Totals
    topic_ids: Mapping[str, str]
    """Ids of the current topics by name. Offsets in an earlier topic of the same name are not checked."""
