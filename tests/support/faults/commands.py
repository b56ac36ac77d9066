"""Commands that a run of faults sends, and the check of their results at the end."""

import asyncio
from contextlib import suppress
from typing import Self

from app.client.results import Json
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import endless, identities


class Commands:
    """Endless commands, until `over` is set. Remembers those that were taken."""

    def __init__(self, seed: int) -> None:
        self.over = asyncio.Event()
        self.taken = 0
        self._stream = endless(seed)
        self._identities: set[tuple[str, str]] = set()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Json:
        if self.over.is_set():
            raise StopIteration
        command = next(self._stream)
        self.taken += 1
        self._identities |= identities([command])
        return command

    def sent(self, result: Json) -> bool:
        """Return True for the result of one of these commands. Sagas and other clients cause further results."""
        return (result["aggregateId"], result["commandId"]) in self._identities

    async def findings(self, environment: Environment, results: Results) -> list[str]:
        """Wait for all results as long as they come. Then return a line for each command without exactly one first result, for each finding of verify, and for
        a wrong sum.

        verify checks only what lies below the tasks' positions. If those are wrong, the sum reveals it.
        """
        with suppress(TimeoutError):
            await results.number(self.taken)
            await until(lambda: self._identities <= results.firsts().keys(), within_s=200)  # where some have two results, their number says little
        firsts = results.firsts()
        wrong = sorted(each for each in self._identities | firsts.keys() if each not in self._identities or firsts[each] != 1)
        uneven = [f"{self.taken} commands were answered {len(results.all)} times"] if len(results.all) != self.taken else []
        return uneven + await audit(environment.settings) + [f"{each} has {firsts[each]} first results" for each in wrong]
