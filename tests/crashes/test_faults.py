"""What goes wrong around a worker is told, and nothing is lost or doubled by it."""

import random
from collections.abc import Iterator

import pytest

from app.audit.audit import audit
from app.results import Json
from tests.system.environment import Environment, Results
from tests.system.traffic import identities, order
from tests.waiting import until

FULL_DISK = ("-m", "tests.crashes.full_disk")


def large_and_parked(count: int) -> Iterator[Json]:
    """Commands of about 8 kB that no compression makes small, of a type that does not exist: the task's rows keep them whole."""
    luck = random.Random(1)  # noqa: S311 (the same each time is what is wanted)
    for number in range(count):
        yield {**order(f"mislaid-{number}"), "commandType": "Mislay", "payload": {"what": luck.randbytes(4_000).hex()}}


@pytest.mark.timeout(300)
async def test_a_worker_whose_disk_is_full_says_so_and_one_with_room_goes_on(environment: Environment) -> None:
    commands = [*large_and_parked(300), *(order(f"o-{number}") for number in range(50))]
    async with Results(environment.settings) as results:
        full = environment.worker("full", program=FULL_DISK)
        await environment.send(commands[:200])
        await results.number(200, within_s=100)
        await environment.send(commands[200:300])  # what is in memory is written to disk when more comes
        await until(lambda: "task 0 is taken over again in place: StoreFailed: IO error" in full.said, within_s=60)
        await environment.send(commands[300:])
        full.destroy()

        environment.worker("roomy", datadir=str(full.datadir))
        await results.number(len(commands), within_s=60)
    assert results.firsts() == dict.fromkeys(identities(commands), 1)
    assert await audit(environment.settings) == []
