"""Rows of views follow from the log alone, whatever the batches, the order of topics, and repetitions of records."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord
from hypothesis import Phase, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from app.domain.registry import DECIDERS
from app.eventsourcing.decider import Decider
from app.eventsourcing.recorded_event import UnexpectedEvent
from app.streams.state.store import StateStore
from schemas.envelopes import Event
from tables.customer_account import accounts
from tables.order_summary import names, summaries
from tables.orders_by_status import counts
from tables.product_stock import Stock, products
from tests.support.handlers.world import SETTINGS, Delivery, World, log
from tests.unit.domain.test_properties import ASKINGS, askings, live
from tests.unit.domain.test_saga_status import BACK, PAID, UNDONE

SAGAS = SETTINGS.topic("events.saga")

Logs = dict[str, list[ConsumerRecord]]

QUICK = settings(deadline=None, max_examples=40, phases=[Phase.generate], database=None)
"""Settings for slow examples: each one opens stores of its own, and shrinking one would take minutes."""

DELIVERIES = st.lists(st.builds(Delivery, st.integers(0, 7), st.integers(1, 5), st.integers(0, 4)), min_size=5, max_size=40)


def lives(decider: Decider) -> st.SearchStrategy[Sequence[tuple[str, str, Sequence[Event]]]]:
    """Draw the histories of some aggregates, whose ids orders and payments name."""
    [begin, *_] = decider.commands
    begun = st.tuples(st.just(begin), st.fixed_dictionaries(ASKINGS[begin]))
    lived = st.tuples(begun, askings(decider)).map(lambda asked: live(decider, [asked[0], *asked[1]]).events)
    return st.lists(lived, min_size=1, max_size=3).map(lambda events: [(decider.aggregate_type, f"o-{number}", each) for number, each in enumerate(events, 1)])


def logs() -> st.SearchStrategy[Logs]:
    """Draw all logs of record of a partition."""
    return st.fixed_dictionaries({**{SETTINGS.topic(f"events.{decider.topic}"): _log(decider) for decider in DECIDERS}, SAGAS: _sagas()})


def _sagas() -> st.SearchStrategy[list[ConsumerRecord]]:
    sagas = st.lists(st.sampled_from([PAID, BACK, UNDONE]), min_size=1, max_size=3)
    return sagas.map(lambda lived: log(SAGAS, [("Saga", f"o-{number}", events) for number, events in enumerate(lived, 1)]))


def _log(decider: Decider) -> st.SearchStrategy[list[ConsumerRecord]]:
    return lives(decider).map(lambda lived: log(SETTINGS.topic(f"events.{decider.topic}"), lived))


def folded(happened: Logs, deliveries: Sequence[Delivery]) -> dict[bytes, bytes]:
    """Return the rows of views that got the records in this way."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "rows", happened)
        try:
            world.deliver(deliveries)
            return world.rows()
        finally:
            world.close()


@QUICK
@for_all(logs(), DELIVERIES)
def test_rows_are_the_same_bytes_however_records_come(happened: Logs, deliveries: list[Delivery]) -> None:
    assert folded(happened, deliveries) == folded(happened, [])


@pytest.mark.control
def test_events_that_are_folded_whatever_their_version_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Stock.before
    monkeypatch.setattr(Stock, "before", lambda self, event: (row := before(self, event)) and replace(row, version=event.version - 1))

    with pytest.raises((AssertionError, UnexpectedEvent, ExceptionGroup)):
        test_rows_are_the_same_bytes_however_records_come()


@QUICK
@for_all(logs())
def test_rows_say_what_the_deciders_state_says(happened: Logs) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory) / "rows", happened)
        world.deliver([])
        store = world._draft.rows.store  # noqa: SLF001 (the test looks inside)
        _agree(store)
        world.close()


def _agree(store: StateStore) -> None:
    statuses = [summary.status for _, summary in summaries.rows(store)]
    assert {status: count for status, count in counts.rows(store) if count} == {status: statuses.count(status) for status in statuses}
    for _, product in products.rows(store):
        assert 0 <= product.reserved <= product.on_hand
    registered = dict(accounts.rows(store))
    for customer_id, name in names.rows(store):
        account = registered.get(customer_id)
        assert (name.version, name.name, name.email) == ((account.named_at, account.name, account.email) if account else (0, None, None))
