"""Metrics: each record is counted once, though the count happens once per transaction."""

from app.streams.metrics import Histogram, WorkerMetrics


def test_a_value_is_counted_under_the_first_bound_that_is_not_below_it() -> None:
    histogram = Histogram((1, 2))

    for value in (0.5, 1, 1.5, 3):
        histogram.add(value)
    histogram.add(2, times=3)

    assert (histogram.counts, histogram.total) == ([2, 4, 1], 12)


def test_a_committed_transaction_counts_each_of_its_records_and_the_latency_of_those_that_the_broker_timed() -> None:
    measures = WorkerMetrics()

    measures.committed([("events", "Order", "OrderPlaced")] * 2, [1_000, 1_000, 2_000], 4, now_s=2.5, took_s=0.1)

    assert measures.counted == {("events", "Order", "OrderPlaced"): 2}
    assert (sum(measures.latency_s.counts), measures.latency_s.total) == (3, 3.5)
    assert (measures.transactions["committed"], measures.transaction_records.total) == (1, 4)


def test_clocks_that_differ_make_no_negative_latency() -> None:
    measures = WorkerMetrics()

    measures.committed([], [5_000], 1, now_s=4.0, took_s=0.1)

    assert measures.latency_s.total == 0
