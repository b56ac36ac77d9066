"""Parked records over HTTP and on the command line: lists and releases, at any worker and through a kill."""

import asyncio
import json
import subprocess
from collections import Counter
from signal import SIGKILL
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from app.client.results import Json
from app.streams.kafka.partitioner import partition_of
from app.verify.run import audit
from tests.support.foldstream import foldstream
from tests.support.http.client import Client
from tests.support.http.fixtures import Shop
from tests.support.workers import held
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import order
from tests.system.http.test_history import event, write_events


def receive_stock(number: int) -> Json:
    """Return a command to the product `p`. For number 0 its type does not exist."""
    kind = {0: "Mislay", 1: "RegisterProduct"}.get(number, "ReceiveStock")
    payload = {"name": "A thing", "price": 5, "currency": "EUR"} if number == 1 else {"quantity": 1}
    return {**order("p"), "commandId": f"c-{number}", "commandType": kind, "aggregateType": "Product", "payload": payload}


async def parked(client: Client, **query: str | int) -> list[dict[str, Any]]:
    """Return the records of all pages of `GET /parked`."""
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        page = await client.get(f"/parked?{asked}{after}")
        if page.status == 503:  # a partition is being taken over
            await asyncio.sleep(0.05)
            continue
        items += page.body["items"]
        if page.body["next"] is None:
            return items
        after = f"&after={page.body['next']}"


async def count(client: Client, number: int) -> list[dict[str, Any]]:
    """Return the parked records, once there are this many."""
    async with asyncio.timeout(60):
        while len(found := await parked(client)) != number:  # noqa: ASYNC110 (other processes change it)
            await asyncio.sleep(0.05)
    return found


def path(record: dict[str, Any]) -> str:
    return f"/parked/{record['topic']}/{record['partition']}/{record['offset']}"


def command_line(environment: Environment, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `foldstream parked words...` in the environment."""
    settings = environment.settings.model_dump(mode="json", exclude_none=True)
    return foldstream("parked", *words, **settings)


@pytest.mark.long
async def test_each_worker_lists_all_that_is_parked_in_pages_as_the_command_line_does(own_shop: Shop) -> None:
    await own_shop.environment.send([{**order(f"o-{number}"), "commandType": "Mislay"} for number in range(20)])

    listed = await count(own_shop.one, 20)

    assert listed == await parked(own_shop.other, limit=3)
    assert [record for record in listed if record["partition"] == 2] == await parked(own_shop.one, partition=2, limit=1)
    first = listed[0]
    assert first["topic"] == own_shop.environment.settings.topic("commands.order")
    assert (first["reason"], first["agent"], first["head"]) == ("unknown-type", "order", True)
    assert json.loads(first["value"])["aggregateId"] == first["key"]
    told = await asyncio.to_thread(command_line, own_shop.environment, "list", "--json")
    same = [{name: record[name] for name in record if name not in {"head", "value"}} for record in listed]
    assert [json.loads(line) for line in told.stdout.splitlines()] == same


@pytest.mark.long
async def test_the_head_of_a_key_is_discarded_and_those_behind_it_follow(shop: Shop) -> None:
    async with Results(shop.environment.settings, of="p") as results:
        await shop.environment.send(map(receive_stock, range(5)))
        head, behind, *_ = await count(shop.one, 5)

        for client in (shop.one, shop.other):
            refused = await client.post(f"{path(behind)}/retry", None)
            assert (refused.status, refused.body["code"]) == (409, "not-head")
        again = await shop.one.post(f"{path(head)}/retry", None)
        assert (again.status, again.body["code"]) == (409, "parked")
        assert (await shop.one.post(f"{path(head)}/discard", {})).status == 422
        done = await shop.other.post(f"{path(head)}/discard", {"reason": "no such command"})
        assert (done.status, done.body["outcome"]) == (200, "discarded")

        assert await count(shop.one, 0) == []
        await results.number(5 + 4)
    told = [(result["commandId"], result["outcome"]) for result in results.all]
    assert told[:5] == [(f"c-{number}", "parked") for number in range(5)]
    assert told[5:] == [(f"c-{number}", "accepted") for number in range(1, 5)]
    assert await audit(shop.environment.settings) == []


async def test_what_is_not_parked_is_404(shop: Shop) -> None:
    topic = shop.environment.settings.topic("commands.order")
    for place in (f"{topic}/0/0", f"{topic}/99/0", "no-topic/0/0"):
        answer = await shop.one.post(f"/parked/{place}/retry", None)
        assert (answer.status, answer.body["code"]) == (404, "not-parked")
    assert (await shop.one.post(f"/parked/{topic}/0/-1/retry", None)).status == 422
    assert (await shop.one.get("/parked?after=nonsense")).status == 422


@pytest.mark.long
async def test_a_misplaced_record_is_retried_on_the_partition_of_its_key_by_the_command_line(shop: Shop) -> None:
    right = partition_of(b"o-1", 4)
    async with Results(shop.environment.settings, of="o-1") as results, AIOKafkaProducer(bootstrap_servers=shop.environment.settings.bootstrap) as producer:
        await producer.send_and_wait(shop.environment.settings.topic("commands.order"), json.dumps(order("o-1")).encode(), b"o-1", (right + 1) % 4)
        [record] = await count(shop.one, 1)
        assert record["reason"] == "misrouted"

        done = await asyncio.to_thread(command_line, shop.environment, "retry", record["topic"], str(record["partition"]), str(record["offset"]))

        assert (done.returncode, done.stdout) == (0, f"released {record['topic']} {record['partition']} {record['offset']}\n")
        await results.number(2)
    assert [result["outcome"] for result in results.all] == ["parked", "accepted"]
    again = await asyncio.to_thread(command_line, shop.environment, "discard", record["topic"], str(record["partition"]), "0", "--reason", "late")
    assert again.returncode == 1
    assert "not-parked" in again.stderr
    assert await audit(shop.environment.settings) == []


@pytest.mark.long
async def test_a_record_that_did_not_fit_is_released_once_it_does(shop: Shop) -> None:
    await shop.environment.configure("events.order", max_message_bytes="3000")
    await shop.environment.send([order("large", 200), {**order("large"), "commandId": "second"}])
    head, behind = await count(shop.one, 2)
    assert (head["reason"], behind["reason"]) == ("failed", "behind-parked")

    await shop.environment.configure("events.order")
    await shop.one.post(f"{path(head)}/retry", None)

    await count(shop.one, 0)
    assert (await shop.other.get("/orders/large?wait=PLACED", prefer="wait=30")).body["version"] == 1
    assert (await shop.other.get("/commands/Order/large/second")).body["refusal"]["code"] == "already-exists"
    assert await audit(shop.environment.settings) == []


@pytest.mark.long
@pytest.mark.parametrize("program", [held.PROGRAM])
async def test_a_worker_killed_in_the_middle_of_a_release_leaves_each_record_to_be_released_once_and_in_order(own_shop: Shop) -> None:
    commands, [owner] = 3_000, [client for client in (own_shop.one, own_shop.other) if await _owns(client, own_shop)]
    async with Results(own_shop.environment.settings) as results:
        await own_shop.environment.send(map(receive_stock, range(commands)))
        await results.number(commands)
        [head] = (await owner.get(f"/parked?partition={partition_of(b'p', 4)}&limit=1")).body["items"]
        (owner.worker.datadir / held.FILE).touch()
        await owner.post(f"{path(head)}/discard", {"reason": "no such command"})
        await results.number(commands + 1)
        owner.worker.signal(SIGKILL)
        await owner.worker.exit_code(within_s=60)
        (owner.worker.datadir / held.FILE).unlink()
        released = len(results.all) - commands

        owner.worker.start()
        await results.number(commands + commands - 1)

    finals = [result for result in results.all if result["outcome"] != "parked"]
    assert released < commands - 1, "the worker was killed too late: nothing was left to be released"
    assert [result["version"] for result in finals] == list(range(1, commands))
    assert Counter(result["commandId"] for result in finals) == {f"c-{number}": 1 for number in range(1, commands)}
    assert await audit(own_shop.environment.settings) == []


async def _owns(client: Client, shop: Shop) -> bool:
    """Return True if the worker itself owns the product's partition."""
    answer = await client.get(f"/parked?partition={partition_of(b'p', shop.environment.settings.partitions)}", Foldstream_Forwarded="1")
    return answer.status == 200


async def one_by_one(client: Client) -> list[dict[str, Any]]:
    """Return all parked records, read in pages of one."""
    found, after = list[dict[str, Any]](), ""
    while after is not None:
        page = (await client.get(f"/parked?limit=1&after={after}" if after else "/parked?limit=1")).body
        found += page["items"]
        after = page["next"]
    return found


async def test_an_event_that_a_view_parked_is_listed_beside_the_commands_and_can_be_discarded(own_shop: Shop) -> None:
    await own_shop.environment.send([{**order("gap"), "commandType": "Mislay"}])
    await count(own_shop.one, 1)
    await write_events(own_shop.environment, "events.order", [event("gap", 2)])

    command, parked_event, *others = await count(own_shop.other, 5)

    assert (command["agent"], parked_event["reason"]) == ("order", "out-of-order")
    assert [each["agent"] for each in (parked_event, *others)] == ["customer_orders", "history", "order_summary", "orders_by_status"]
    assert await one_by_one(own_shop.one) == [command, parked_event, *others]
    done = await own_shop.one.post(f"{path(parked_event)}/discard", {"reason": "never was"})
    assert (done.status, done.body["outcome"]) == (200, "discarded")
    assert await count(own_shop.other, 1) == [command]
    assert (await own_shop.one.get("/orders/gap/events")).status == 404
