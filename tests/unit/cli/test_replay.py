"""`foldstream replay`: the reading and pricing of purchases."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.cli.commands import app
from app.errors import FoldstreamError
from app.replay.commands import PurchaseReplay, SagaOutcomes
from app.replay.purchases import MOST_CDS, MOST_CREDIT, Totals, prices, purchases, require_credit, totals
from schemas.customer import RegisterCustomer

SAMPLE = Path(__file__).parents[2] / "data" / "cdnow" / "CDNOW_sample.txt"

amounts = st.integers(0, 10**11)
counts = st.integers(1, MOST_CDS)


@given(counts, amounts)
def test_the_items_of_an_order_add_up_to_its_cds_and_its_dollars_to_the_cent(cds: int, cents: int) -> None:
    items = prices(cds, cents)

    assert sum(quantity for quantity, _ in items) == cds
    assert sum(quantity * price for quantity, price in items) == cents
    assert all(quantity >= 1 and price >= 0 for quantity, price in items)


def test_an_order_of_nothing_has_one_item_without_a_price() -> None:
    assert prices(3, 0) == [(3, 0)]


def test_the_sample_adds_up_to_what_is_known_of_it() -> None:
    found = totals(purchases(SAMPLE.read_text(encoding="ascii").splitlines()))

    assert found == Totals(orders=6_919, customers=2_357, cds=16_479, cents=24_409_194)
    assert found.dollars == "244,091.94"


def test_both_formats_mean_the_same_and_a_heading_is_passed_over() -> None:
    sample = list(purchases([" 00004 0001 19970101  2   29.33"]))
    master = list(purchases([" customer_id  date number_of_cds  dollar_value", " 00004 19970101  2   29.33"]))

    assert [each._replace(line=1) for each in master] == sample


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("00004 19970101 2", "it should be"),
        ("00004 19970101 2 29.3", "it should be"),
        ("00004 19970101 2 -29.33", "it should be"),
        ("00004 19970231 2 29.33", "no day 19970231"),
        ("00004 19970101 0 29.33", "1 to 1,000,000 CDs"),
        ("customer_id date number_of_cds dollar_value", "it should be"),
    ],
)
def test_a_line_that_is_no_purchase_is_named_by_its_number(line: str, why: str) -> None:
    with pytest.raises(FoldstreamError, match=rf"line 2 .*{why}"):
        list(purchases(["00004 19970101 2 29.33", line]))


def test_a_malformed_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text("00004 19970101 2 29.33\nnonsense\n", encoding="ascii")

    result = CliRunner().invoke(app, ["replay", str(file)])

    assert isinstance(result.exception, FoldstreamError)
    assert "nothing was sent: line 2" in str(result.exception)


def test_a_customer_who_spent_more_than_a_limit_of_credit_can_be_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text("00005 19970101 1 1.00\n" + "00004 19970101 1 999999999.99\n" * 11, encoding="ascii")

    result = CliRunner().invoke(app, ["replay", str(file)])

    assert isinstance(result.exception, FoldstreamError)
    assert "nothing was sent: customer 00004 spent 10,999,999,999.89" in str(result.exception)


def test_a_customer_may_spend_as_much_as_a_limit_of_credit_can_be() -> None:
    bought = list(purchases(["00004 19970101 1 999999999.99"] * 10 + ["00004 19970101 1 0.10"]))

    require_credit(bought)

    [*_, registered] = PurchaseReplay("a" * 64, bought).registrations()
    assert RegisterCustomer.read(registered["payload"]).credit_limit == MOST_CREDIT


def test_the_same_file_gives_the_same_ids_and_another_file_has_others() -> None:
    bought = list(purchases(["00004 19970101 2 29.33"]))
    first, again, other = PurchaseReplay("a" * 64, bought), PurchaseReplay("a" * 64, bought), PurchaseReplay("b" * 64, bought)

    ids = [[(command["aggregateId"], command["commandId"]) for command in (*made.registrations(), made.order(bought[0]))] for made in (first, again, other)]

    assert ids[0] == ids[1]
    assert {aggregate for aggregate, _ in ids[0]}.isdisjoint(aggregate for aggregate, _ in ids[2])


def test_stock_comes_in_deliveries_that_a_command_can_hold() -> None:
    bought = list(purchases(["1 19970101 1000000 1.00", "2 19970101 500000 1.00"]))

    received = [command["payload"]["quantity"] for command in PurchaseReplay("a" * 64, bought).registrations() if command["commandType"] == "ReceiveStock"]

    assert received == [1_000_000, 500_000]


def test_a_saga_has_ended_if_its_last_event_says_so() -> None:
    found = SagaOutcomes()

    for order, event in [
        ("completed", "SagaStarted"),
        ("cancelled", "SagaStarted"),
        ("open", "SagaStarted"),
        ("completed", "SagaCompleted"),
        ("cancelled", "SagaCompleted"),
        ("undone", "SagaFailed"),
        ("stuck", "SagaNeedsIntervention"),
        ("cancelled", "SagaCompensationStarted"),
    ]:
        found.add({"aggregateId": order, "eventType": event})

    assert found.counts() == {"completed": 1, "failed": 1, "waiting for an operator": 1}
