"""Faults that verify finds, one by one: the negative controls of every test that ends with a clean verify."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.streams.kafka.partitioner import partition_of
from app.verify.run import audit
from tests.support.foldstream import foldstream
from tests.support.workers.environment import Environment
from tests.support.workers.written import PRODUCT, WrittenLog, answered, intact, parked, parked_row, product, received, settled

Spoil = Callable[[WrittenLog], None]


async def test_an_intact_log_has_no_findings(small_environment: Environment) -> None:
    await intact().write(small_environment.settings)

    assert await audit(small_environment.settings) == []


async def test_a_result_says_nothing_about_a_record_of_another_topic_of_that_name(small_environment: Environment) -> None:
    log = intact()
    before = [("command-topic-id", b"that of a topic that was created again, or copied")]
    log.results.insert(0, replace(log.results[0], headers=[*log.results[0].headers, *before]))
    log.results[1] = log.results[1].but(duplicate=True)
    await log.write(small_environment.settings)

    assert await audit(small_environment.settings) == []


def gap(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(version=4)
    log.rows[0] = log.rows[0].but(version=4)


def repeat(log: WrittenLog) -> None:
    log.events.append(log.events[1].but(eventId="event-other"))


def same_id(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(eventId=log.events[1].value["eventId"])


def wrong_partition(log: WrittenLog) -> None:
    log.events[0] = replace(log.events[0], misplaced=True)


def wrong_key(log: WrittenLog) -> None:
    log.events[2] = replace(log.events[2], key=b"another")


def wrong_type(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(aggregateType="Order")


def newer_schema(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(schemaVersion=99)


def no_event(log: WrittenLog) -> None:
    log.events[2] = replace(log.events[2], value={"hello": 1}, caused_by=None)


def wrong_id(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(eventId="0" * 32)


def without_command(log: WrittenLog) -> None:
    _, _, event = received(3, 4)
    log.events.append(replace(event, caused_by=2))


def with_a_forged_result(log: WrittenLog) -> None:
    without_command(log)
    _, result, _ = received(3, 4)
    log.results.append(replace(result, headers=log.results[0].headers))


def other_payload(log: WrittenLog) -> None:
    log.events[1] = log.events[1].paying(quantity=50)


def other_type_of_event(log: WrittenLog) -> None:
    log.events[2] = log.events[2].but(eventType="InventoryShipped")


def other_time(log: WrittenLog) -> None:
    log.events[1] = replace(log.events[1], caused_by=None)


def not_caused(log: WrittenLog) -> None:
    log.commands[2] = log.commands[2].paying(quantity=6)


def more_than_there_is(log: WrittenLog) -> None:
    log.events[2] = log.events[2].paying(quantity=6)


def given_up_twice(log: WrittenLog) -> None:
    log.events += [log.events[2].but(version=version, eventType="InventoryReleased") for version in (4, 5)]


def two_firsts(log: WrittenLog) -> None:
    log.commands.append(log.commands[0])
    again = replace(log.results[0], headers=[*log.results[0].headers[:2], ("command-offset", b"3")])
    log.results.append(again)


def another_first(log: WrittenLog) -> None:
    two_firsts(log)
    log.results[-1] = log.results[-1].but(outcome="refused", eventIds=[], refusal={"code": "already-exists", "message": ""})


def answered_twice(log: WrittenLog) -> None:
    log.results.append(log.results[0].but(duplicate=True))


def only_a_duplicate(log: WrittenLog) -> None:
    log.results[0] = log.results[0].but(duplicate=True)


def another_duplicate(log: WrittenLog) -> None:
    log.commands.append(log.commands[0])
    log.results.append(replace(log.results[0].but(duplicate=True, version=2), headers=[*log.results[0].headers[:2], ("command-offset", b"3")]))


def missing_result(log: WrittenLog) -> None:
    del log.results[1]


def refused_unanswered(log: WrittenLog) -> None:
    log.commands.append(log.commands[0].but(commandId="command-3"))


def refused_all_the_same(log: WrittenLog) -> None:
    log.results[1] = log.results[1].but(outcome="refused", eventIds=[], refusal={"code": "invalid", "message": ""})


def refused_and_accepted(log: WrittenLog) -> None:
    log.results[1] = log.results[1].but(outcome="refused")


def of_another_version(log: WrittenLog) -> None:
    log.results[1] = log.results[1].but(version=7)


def without_its_event(log: WrittenLog) -> None:
    del log.events[2]
    del log.rows[1]
    log.rows[0] = product(2, on_hand=5, reserved=0)


def with_another_id(log: WrittenLog) -> None:
    log.results[1] = log.results[1].but(eventIds=["0" * 32])


def unreadable_result(log: WrittenLog) -> None:
    log.results[1] = log.results[1].but(outcome="perhaps")


def misplaced_result(log: WrittenLog) -> None:
    log.results[1] = replace(log.results[1], misplaced=True)


def discarded(log: WrittenLog) -> None:
    log.parked += [parked(1, "failed"), settled(1, "discarded")]


def released_unanswered(log: WrittenLog) -> None:
    log.parked += [parked(1, "failed"), settled(1, "released")]
    del log.results[1]


def settled_unparked(log: WrittenLog) -> None:
    log.parked.append(settled(1, "released"))


def behind_nothing(log: WrittenLog) -> None:
    log.parked.append(parked(1, "behind-parked"))


def not_behind(log: WrittenLog) -> None:
    log.parked += [parked(0, "failed"), parked(1, "failed")]


def parked_backwards(log: WrittenLog) -> None:
    log.parked += [parked(1, "failed"), parked(0, "behind-parked")]


def released_before_its_head(log: WrittenLog) -> None:
    log.parked += [parked(0, "failed"), parked(1, "behind-parked"), settled(1, "released")]


def parked_after_its_end(log: WrittenLog) -> None:
    log.parked += [parked(1, "failed"), settled(1, "released"), parked(1, "failed")]


def parked_by_hand(log: WrittenLog) -> None:
    log.parked.append(replace(parked(1, "failed"), headers=[]))


def wrong_row(log: WrittenLog) -> None:
    log.rows[0].value["state"]["on_hand"] = 6


def wrong_detail(log: WrittenLog) -> None:
    log.rows[1] = log.rows[1].but(quantity=3)


def missing_row(log: WrittenLog) -> None:
    del log.rows[1]


def missing_root(log: WrittenLog) -> None:
    del log.rows[0]


def forgotten_answer(log: WrittenLog) -> None:
    log.rows[2] = answered({0: 1})


def no_answers(log: WrittenLog) -> None:
    del log.rows[3]


def another_answer(log: WrittenLog) -> None:
    log.rows[2] = answered({0: 1, 1: 7})


def answer_never_given(log: WrittenLog) -> None:
    log.rows[2] = answered({0: 1, 1: 2, 9: 9})


def no_parked_row(log: WrittenLog) -> None:
    log.parked.append(parked(2, "failed"))


def extra_parked_row(log: WrittenLog) -> None:
    log.rows.append(parked_row(2))


def settled_parked_row(log: WrittenLog) -> None:
    extra_parked_row(log)
    log.parked += [parked(2, "failed"), settled(2, "released")]


def unreadable_row(log: WrittenLog) -> None:
    log.rows[0] = replace(log.rows[0], value={"hello": 1})


def extra_row(log: WrittenLog) -> None:
    log.rows.append(replace(log.rows[0], key=b"product\0another"))


def row_behind(log: WrittenLog) -> None:
    log.rows[0] = product(2, on_hand=5, reserved=0)


def wrong_row_behind(log: WrittenLog) -> None:
    log.rows[0] = product(2, on_hand=6, reserved=0)


@pytest.mark.long
@pytest.mark.control
@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (gap, "version-gap: events.product [0] 2 key the-product: version 4 of the-product follows 2"),
        (repeat, "version-repeat: events.product [0] 3 key the-product: version 2 of the-product follows 3"),
        (same_id, "event-id-twice: events.product [0] 2 key the-product: the event id"),
        (wrong_partition, "wrong-partition: events.product [1] 0 key the-product: the-product belongs to partition 0"),
        (wrong_key, "wrong-key: events.product [0] 2 key another: the key b'another' is not the aggregate's id the-product"),
        (wrong_type, "wrong-key: events.product [0] 2 key the-product: an event of a Order"),
        (newer_schema, "install the newer Foldstream"),
        (no_event, "unreadable: events.product [0] 2 key the-product: cannot be folded: ValidationError"),
        (wrong_id, "wrong-event-id: events.product [0] 2 key the-product: the event id"),
        (without_command, "forged: events.product [0] 3 key the-product: no result tells of a command command-3"),
        (with_a_forged_result, "at commands.product 0 is another command than its result says: command-0"),
        (other_payload, "forged: events.product [0] 1 key the-product: its payload differs from what its command causes in quantity"),
        (other_type_of_event, "its command causes InventoryReserved, not InventoryShipped"),
        (other_time, "forged: events.product [0] 1 key the-product: its timestamp is 2026-01-01T00:00:00.000Z"),
        (not_caused, "forged: events.product [0] 2 key the-product: its command command-2 causes 0 events here"),
        (more_than_there_is, "not-conserved: events.product [0] 2 key the-product: 6 pieces are reserved, and there are 5"),
        (given_up_twice, "not-conserved: events.product [0] 4 key the-product: 2 pieces of order the-order are given up, and none are reserved"),
        (two_firsts, "two-results: results [0] 3 key the-product: command command-0 to Product the-product has a first result at offset 0"),
        (another_first, "two-results: results [0] 3 key the-product: command command-0 to Product the-product has a first result at offset 0"),
        (answered_twice, "two-results: commands.product [0] 0 key the-product: answered 2 times"),
        (only_a_duplicate, "command command-0 to Product the-product was answered as a duplicate, and has no first result"),
        (another_duplicate, "wrong-result: results [0] 3 key the-product: is not what was answered first, at offset 0"),
        (missing_result, "no-result: commands.product [0] 1 key the-product: was processed, and has neither a result nor been parked"),
        (refused_unanswered, "no-result: commands.product [0] 3 key the-product: was processed"),
        (refused_all_the_same, "wrong-result: events.product [0] 1 key the-product: its command command-1 was refused"),
        (refused_and_accepted, "wrong-result: results [0] 1 key the-product: is refused, and says otherwise"),
        (of_another_version, "wrong-result: events.product [0] 1 key the-product: the result of its command, at offset 1, tells of version 7"),
        (of_another_version, "wrong-result: results [0] 1 key the-product: is at version 7 after 1 events, and the result before it was at 1"),
        (without_its_event, "command-2 to Product the-product about order the-order was accepted with 1 events, of which 0 are in the log"),
        (with_another_id, "wrong-result: results [0] 1 key the-product: its event ids"),
        (unreadable_result, "unreadable: results [0] 1 key the-product: cannot be read"),
        (misplaced_result, "wrong-partition: results [1] 0 key the-product: b'the-product' belongs to partition 0"),
        (discarded, "answered-and-parked: commands.product [0] 1 key the-product: was answered, and is discarded"),
        (released_unanswered, "no-result: commands.product [0] 1 key the-product: was processed, and has neither a result nor been parked"),
        (settled_unparked, "parked-order: parked [0] 0 key the-product: commands.product [0] 1 is released, and was not parked"),
        (behind_nothing, "parked-order: parked [0] 0 key the-product: commands.product [0] 1 is behind nothing"),
        (not_behind, "commands.product [0] 1 is failed, and not behind 0, which blocks its key"),
        (parked_backwards, "commands.product [0] 0 was parked after 1"),
        (released_before_its_head, "parked-order: parked [0] 2 key the-product: commands.product [0] 1 came before its head, 0"),
        (parked_after_its_end, "commands.product [0] 1 is parked again, and was released"),
        (parked_by_hand, "unreadable: parked [0] 0 key the-product"),
        (wrong_row, "wrong-row: changelog [0] 0 key product the-product: is {'version': 3"),
        (wrong_detail, "wrong-row: changelog [0] 1 key reservation the-product/the-order: is {'state': 'RESERVED', 'quantity': 3}"),
        (missing_row, "wrong-row: changelog [0] key reservation the-product/the-order: is missing"),
        (missing_root, "wrong-row: changelog [0] key product the-product: is missing"),
        (extra_row, "key product another: has no event behind it"),
        (unreadable_row, "wrong-row: changelog [0] 0 key product the-product: cannot be read"),
        (forgotten_answer, "wrong-row: changelog [0] key product-answer the-product: has forgotten what was answered at offset 1"),
        (no_answers, "wrong-row: changelog [0] key product-answer the-product/the-order: is missing"),
        (another_answer, "key product-answer the-product: remembers command-1 otherwise than it was answered, at offset 1"),
        (answer_never_given, "key product-answer the-product: remembers command-9, which has no first result"),
        (no_parked_row, "wrong-row: changelog [0] key parked commands.product 00000000000000000002 product: is missing"),
        (extra_parked_row, "key parked commands.product 00000000000000000002 product: is not in the topic parked"),
        (settled_parked_row, "key parked commands.product 00000000000000000002 product: is released in the topic parked"),
        (row_behind, "wrong-row: changelog [0] key product the-product: is at version 2, and 3 is in the log"),
        (wrong_row_behind, "wrong-row: changelog [0] 0 key product the-product: is {'version': 2"),
    ],
)
async def test_what_is_wrong_is_found(small_environment: Environment, spoil: Spoil, finding: str) -> None:
    log = intact()
    spoil(log)
    await log.write(small_environment.settings)

    findings = [_plain(small_environment, line) for line in await audit(small_environment.settings)]

    assert any(finding in line for line in findings), findings


def _plain(environment: Environment, line: str) -> str:
    """Return a finding as it would read if topics had no prefix, and the product's partition were 0."""
    settings, right = environment.settings, partition_of(PRODUCT.encode(), 2)
    plain = line.replace(settings.changelog, "changelog").replace(settings.topic_prefix, "")
    return re.sub(r"(?<=\w )\[(\d)\]|(?<=partition )(\d)", lambda found: _renumbered(found, right), plain)


def _renumbered(found: re.Match[str], right: int) -> str:
    number = (int(found[1] or found[2]) + right) % 2
    return f"[{number}]" if found[1] else str(number)


async def test_the_command_prints_the_findings_and_ends_with_1(small_environment: Environment) -> None:
    log = intact()
    missing_row(log)
    await log.write(small_environment.settings)
    chosen = small_environment.settings.model_dump(mode="json", include={"broker", "topic_prefix", "app_id", "partitions"})

    done = foldstream("verify", **chosen)

    assert done.returncode == 1
    assert done.stdout.splitlines()[0].endswith("key reservation the-product/the-order: is missing")
    assert "stock: 5 received = 3 available + 2 reserved + 0 shipped" in done.stdout
