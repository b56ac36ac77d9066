"""Figures computed from samples."""

import pytest

from bench.figures import Cost, Sample, bottleneck, cost, middle, other_load, percentile, table


def test_a_cost_is_what_was_used_between_two_samples() -> None:
    first = Sample(at_s=10, worker_s=1, broker_s=2, bench_s=1, machine_s=100, visible=50)
    last = Sample(at_s=14, worker_s=4, broker_s=3, bench_s=2, machine_s=107, visible=40_050)

    found = cost(first, last, 40_000)

    assert found == Cost(commands_per_s=10_000, worker_us=75, broker_us=25, other_cores=0.5)


def test_the_middle_is_the_median_of_each_figure() -> None:
    assert middle([Cost(1, 30, 5, 0.1), Cost(3, 10, 6, 0.3), Cost(2, 20, 7, 0.2)]) == Cost(2, 20, 6, 0.2)


def test_load_that_was_not_the_bench_is_marked() -> None:
    assert other_load(Cost(1, 1, 1, 0.12)) == "0.12"
    assert other_load(Cost(1, 1, 1, 0.71)) == "0.71 (!)"


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (Cost(1_000, 950, 300, 0.1), "the worker's one core (the worker used 0.95 cores, the broker 0.30, all else 0.10)"),
        (Cost(1_000, 500, 300, 1.1), "the machine, whose cores were all busy (the worker used 0.50 cores, the broker 0.30, all else 1.10)"),
        (Cost(1_000, 500, 300, 0.1), "no CPU, but waiting (the worker used 0.50 cores, the broker 0.30, all else 0.10)"),
    ],
)
def test_what_held_a_run_up_is_named_by_cpu(cost: Cost, expected: str) -> None:
    assert bottleneck(cost, 2) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert percentile(range(1, 101), share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.5) == 7.0


def test_a_table_is_markdown_with_figures_to_the_right() -> None:
    assert table(["engine", "us"], [["loop", "9.5"], ["a worker", "110.0"]]).splitlines() == [
        "| engine   |    us |",
        "| -------- | ----: |",
        "| loop     |   9.5 |",
        "| a worker | 110.0 |",
    ]
