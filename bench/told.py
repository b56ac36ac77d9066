"""Metrics of a worker, from /metrics."""

import re
import urllib.request
from collections.abc import Callable, Mapping

from prometheus_client.parser import text_string_to_metric_families

from bench.engine import Running

ANSWER_S = 30.0

Labels = Mapping[str, str]


class Told:
    """Reader of the metrics of a worker that serves HTTP already."""

    def __init__(self, running: Running) -> None:
        self.url = re.findall(r"HTTP at (http://[\d.:]+)", running.said)[-1]

    def total(self, name: str, wanted: Callable[[Labels], bool] = lambda _: True) -> float:
        """Return the sum of a metric over all wanted labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=ANSWER_S) as answer:  # noqa: S310 (the worker's own address)
            families = text_string_to_metric_families(answer.read().decode())
            return sum(sample.value for family in families for sample in family.samples if sample.name == name and wanted(sample.labels))
