"""Metrics of the worker, under the contract's names (section 6)."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from aiokafka import TopicPartition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from app.handlers.status_list_projection import StatusListProjection
from app.streams.application import Application
from app.streams.errors import ReadModelUnavailable
from app.streams.metrics import Histogram, WorkerMetrics
from app.web.monitoring.lag import LagMonitor, PartitionLag
from app.web.queries import order_lists, saga_lists
from tables.orders_by_status import orders_by_status
from tables.saga_status import saga_statuses

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class MetricsCollector(Collector):
    """Collector that reads the worker's measures when Prometheus scrapes."""

    def __init__(self, app: Application, lag: LagMonitor) -> None:
        self._app = app
        self._lag = lag

    def collect(self) -> Iterable[Family]:
        """Yield all metric families."""
        measures = self._app.side.measures
        yield _counter("foldstream_commands", "Commands that were answered or parked.", ("aggregate", "outcome"), measures, "commands")
        yield _counter("foldstream_events", "Events that were written.", ("aggregate", "type"), measures, "events")
        yield _counter("foldstream_saga_transitions", "Statuses that sagas came to.", ("saga", "status"), measures, "saga_transitions")
        yield _transactions(measures)
        yield _histogram("foldstream_command_latency_seconds", "From the broker's append time of a command to its commit.", measures.latency_s)
        yield _histogram("foldstream_transaction_seconds", "From the first record of a transaction to its commit.", measures.transaction_s)
        yield _histogram("foldstream_transaction_records", "Records that a transaction took in.", measures.transaction_records)
        recovery = HistogramMetricFamily("foldstream_recovery_seconds", "Until a task that opens serves.", labels=("task",))
        for task, recovery_s in (("write", measures.recovery_s), ("view", measures.view_recovery_s)):
            recovery.add_metric((task,), _buckets(recovery_s), recovery_s.total)
        yield recovery
        yield from _lags(self._lag)
        yield _parked(measures)
        yield _stopped(self._app)
        yield _rebuilding(self._app)
        yield _statuses("foldstream_orders", "Orders in each status, of the partitions of this worker.", self._app, orders_by_status, order_lists.STATUSES)
        yield _statuses("foldstream_sagas", "Sagas in each status, of the partitions of this worker.", self._app, saga_statuses, saga_lists.STATUSES)
        yield GaugeMetricFamily("foldstream_clock_ahead_seconds", "This worker's clock against the brokers', when it last asked.", value=measures.clock_ahead_s)
        yield GaugeMetricFamily("foldstream_ready", "1 when /readyz says so, else 0.", value=float(self._app.tables.served.unserved() == []))
        build = GaugeMetricFamily("foldstream_build_info", "The version that runs.", labels=("version",))
        build.add_metric((version("foldstream"),), 1)
        yield build


def _counter(name: str, what: str, labels: tuple[str, ...], measures: WorkerMetrics, kind: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=labels)
    for (counted, *values), times in measures.counted.items():
        if counted == kind:
            family.add_metric(values, times)
    return family


def _transactions(measures: WorkerMetrics) -> CounterMetricFamily:
    family = CounterMetricFamily("foldstream_transactions", "Transactions by what became of them.", labels=("outcome",))
    for outcome in ("committed", "refused", "unknown"):
        family.add_metric((outcome,), measures.transactions[outcome])
    return family


def _parked(measures: WorkerMetrics) -> GaugeMetricFamily:
    family = GaugeMetricFamily("foldstream_parked_records", "Records that wait for an operator, of the partitions of this worker.", labels=("topic", "reason"))
    for (topic, reason), records in sum(measures.parked.values(), start=Counter[tuple[str, str]]()).items():
        family.add_metric((topic, reason), records)
    return family


def _stopped(app: Application) -> GaugeMetricFamily:
    what = "1 for a task of this worker that stays closed until a person acts: /readyz says why."
    family = GaugeMetricFamily("foldstream_stopped", what, labels=("task", "partition"))
    for task, partition, stopped in app.tables.served.stops():
        family.add_metric((task, str(partition)), float(stopped))
    return family


def _rebuilding(app: Application) -> GaugeMetricFamily:
    what = "Partitions of this worker in which a table is not shown until its rows are made anew."
    family = GaugeMetricFamily("foldstream_tables_unshown", what, labels=("table",))
    unshown = app.tables.served.unshown()
    for model in app.view.models:
        family.add_metric((model.agent,), unshown[model.agent])
    return family


def _statuses(name: str, what: str, app: Application, listed: StatusListProjection[Any], statuses: Iterable[str]) -> GaugeMetricFamily:
    """Count rows by status, over the read models that are visible now."""
    family, counts = GaugeMetricFamily(name, what, labels=("status",)), Counter[str]()
    for partition in range(app.side.settings.partitions):
        store = app.tables.served.view(partition)
        with suppress(ReadModelUnavailable):
            counts += listed.committed_counts(store) if store else Counter()
    for status in statuses:
        family.add_metric((status,), counts[status])
    return family


def _lags(lag: LagMonitor) -> Iterable[Family]:
    labels = ("agent", "topic", "partition")
    records = GaugeMetricFamily("foldstream_lag_records", "Records not processed yet; every worker tells of all partitions.", labels=labels)
    seconds = GaugeMetricFamily("foldstream_lag_seconds", "Age of the first record not processed yet.", labels=labels)
    for agent, (topic, partition), behind in _behind(lag):
        named = (agent, topic, str(partition))
        records.add_metric(named, behind.records)
        seconds.add_metric(named, behind.seconds)
    what = "Age of the oldest transaction that is still open: what it and others wrote behind its beginning cannot be read before it ends."
    open_s = GaugeMetricFamily("foldstream_open_transaction_seconds", what, labels=labels[1:])
    for (topic, partition), behind in lag.behind.items():
        open_s.add_metric((topic, str(partition)), behind.open_transaction_s)
    return records, seconds, open_s


def _behind(lag: LagMonitor) -> Iterable[tuple[str, TopicPartition, PartitionLag]]:
    for agent, topic in lag.followers:
        yield from ((agent, where, behind) for where, behind in lag.behind.items() if where.topic == topic)


def _histogram(name: str, what: str, histogram: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, what, _buckets(histogram), histogram.total)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return cumulative buckets: Prometheus counts in each bucket also the values of those below."""
    so_far, buckets = 0, []
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        so_far += count
        buckets.append((bound, float(so_far)))
    return buckets
