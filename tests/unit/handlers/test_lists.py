"""The list of aggregate types in each layer. A type that is missing in a layer would have topics without a reader."""

from app.domain.registry import DECIDERS
from tables.aggregates import AGGREGATES


def test_every_decider_has_its_tables() -> None:
    assert [aggregate.decider for aggregate in AGGREGATES] == list(DECIDERS)


def test_every_decider_names_the_tables_that_are_judged() -> None:
    declared = [[table.name for table in aggregate.tables] for aggregate in AGGREGATES]

    assert declared == [[name for name in (decider.topic, decider.detail) if name is not None] for decider in DECIDERS]
