"""The demo's checks, each of which is seen to fail, and how the demo ends."""

import os
import signal
import subprocess
import sys
from collections import Counter
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.demo.checks import HAPPENS, Run, checks
from app.demo.evidence import Evidence
from app.demo.orders import LEAST, POOR, SCARCE, Shop
from app.demo.strange import OLD_ORDER
from app.streams.parking.record import ParkedRecord, ParkingOutcome
from tests.conftest import RunningKafka
from tests.support.foldstream import ROOT

IN_THE_BACKGROUND = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
"""Start in the background as a script does: with SIGINT ignored."""

SHOP = Shop("demo-1")
ORDERS = 10
POISONED = SHOP.order(3).identity
REPEATED = SHOP.order(3).place()["commandId"]


def event(kind: str, number: int, version: int = 1) -> dict[str, Any]:
    """Return an event that names the order with this number, of an aggregate of its own."""
    payload = {"orderId": SHOP.order(number).identity}
    return {"eventId": f"{kind}-{number}", "eventType": kind, "aggregateType": kind, "aggregateId": f"demo-1.{number}", "version": version, "payload": payload}


def result(command: str, **more: object) -> dict[str, Any]:
    return {"commandId": command, **more}


def parked(topic: str, key: str, reason: str, offset: int = 0) -> ParkedRecord:
    return ParkedRecord(topic, 0, offset, 0, reason, "", "", "", key.encode(), b"", ())


@pytest.fixture
def run() -> Run:
    sent = Counter([REPEATED, REPEATED])
    return Run(SHOP, ORDERS, sent, REPEATED, POISONED, {"outcome": "accepted", "version": 2})


@pytest.fixture
def good() -> Evidence:
    """Return evidence from a log in which everything went well."""
    found = Evidence(SHOP)
    for number in range(1, ORDERS + 1):
        for kind in HAPPENS[SHOP.order(number).kind]:
            found.event(event(kind, number))
    found.result(result(REPEATED))
    found.result(result(REPEATED, duplicate=True))
    found.result(result("reserve", commandType="ReserveInventory", aggregateId=SHOP.named(SCARCE), refusal={"code": "insufficient-stock"}))
    found.result(result("pay", commandType="ProcessPayment", aggregateId=SHOP.named(POOR), refusal={"code": "insufficient-credit"}))
    found.said(parked("commands.order", POISONED, "undecodable"))
    return found


def broken(run: Run, found: Evidence) -> list[str]:
    return [check.statement for check in checks(run, found) if not check.held]


def test_all_checks_hold_when_all_went_well(run: Run, good: Evidence) -> None:
    assert broken(run, good) == []


@pytest.mark.parametrize("version", [1, 3])
def test_a_repeated_or_missing_version_is_found(run: Run, good: Evidence, version: int) -> None:
    good.event(event("OrderPlaced", 1, version) | {"eventId": "another", "eventType": "CustomerChanged", "payload": {}})

    assert broken(run, good) == ["versions count 1, 2, 3 ... in every aggregate"]


def test_a_repeated_event_id_is_found(run: Run, good: Evidence) -> None:
    good.event(event("OrderPlaced", 1, 2) | {"eventType": "CustomerChanged", "payload": {}})

    assert broken(run, good) == ["every event id is there once"]


def test_an_order_that_did_not_end_is_found(run: Run, good: Evidence) -> None:
    assert broken(run._replace(orders=ORDERS + 1), good) == ["every order ended as it should"]


def test_a_second_first_result_is_found(run: Run, good: Evidence) -> None:
    good.result(result(REPEATED))

    assert broken(run, good) == ["every command has exactly one first result"]


def test_a_command_without_a_result_is_found(run: Run, good: Evidence) -> None:
    assert broken(run._replace(sent=Counter([*run.sent, "demo-1:lost"])), good) == ["every command has exactly one first result"]


def test_what_was_not_refused_parked_repeated_or_folded_is_found(run: Run, good: Evidence) -> None:
    good.refusals.clear()
    good.parked.clear()
    good.duplicates.clear()

    found = broken(run._replace(old_order={"outcome": "accepted", "version": 1}), good)

    assert found == [
        "the repeated command was answered as a duplicate",
        "the order that was out of stock was refused",
        "the order over the credit limit was refused",
        "nothing but the poison record was parked, and it held up nothing",
        "the event of schema version 1 was folded",
    ]


def test_an_event_that_a_read_model_parked_beside_the_poison_is_found(run: Run, good: Evidence) -> None:
    good.said(parked("events.order", OLD_ORDER, "failed", offset=1))

    [check] = [check for check in checks(run, good) if not check.held]

    assert (check.statement, "events.order [0] 1: failed" in check.found) == ("nothing but the poison record was parked, and it held up nothing", True)


def test_what_was_parked_and_released_since_is_not_counted(run: Run, good: Evidence) -> None:
    good.said(parked("events.order", OLD_ORDER, "failed", offset=1))
    good.said(ParkingOutcome("events.order", 0, 1, "released"))

    assert broken(run, good) == []


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("interrupt", "start"), [(signal.SIGINT, []), (signal.SIGTERM, IN_THE_BACKGROUND)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_of_the_slow_traffic_ends_with_0_when_every_check_held(
    interrupt: signal.Signals, start: list[str], kafka: RunningKafka, tmp_path: Path
) -> None:
    words = [*start, sys.executable, "-m", "app", "demo", "--orders", str(LEAST)]

    with subprocess.Popen(words, cwd=ROOT, env=_environment(kafka, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        printed = "".join(takewhile(lambda line: "an order a second goes on" not in line, demo.stdout))
        demo.send_signal(interrupt)
        _, errors = demo.communicate()

    assert "every check held" in printed, printed
    assert (demo.returncode, errors) == (0, "")


def test_fewer_orders_than_show_what_the_demo_is_for_are_refused() -> None:
    result = CliRunner().invoke(app, ["demo", "--orders", str(LEAST - 1)])

    assert result.exit_code == 2


def _environment(kafka: RunningKafka, directory: Path) -> dict[str, str]:
    """Return variables for topics of its own, on the broker of this run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FOLDSTREAM_")}
    names = {"FOLDSTREAM_TOPIC_PREFIX": f"{directory.name}.", "FOLDSTREAM_APP_ID": directory.name, "FOLDSTREAM_DATADIR": str(directory)}
    return inherited | names | {"FOLDSTREAM_BROKER": kafka.bootstrap, "FOLDSTREAM_REPLICATION": "1"}
