"""What a run of faults sends, and what must have come of it in the end."""

import asyncio
from contextlib import suppress
from typing import Self

from app.client.results import Json
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import endless, identities


class Commands:
    """Commands without an end, until `over` is set; knows those that were taken."""

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
        """True for the result of one of these; those of sagas and of other clients come beside them."""
        return (result["aggregateId"], result["commandId"]) in self._identities

    async def findings(self, environment: Environment, results: Results) -> list[str]:
        """Wait for all answers as long as they come; then a line for each command without just one first result, for all that the audit finds, and for the sum.

        The auditor judges what lies below the tasks' positions. Where those are wrong, the sum tells.
        """
        with suppress(TimeoutError):
            await results.number(self.taken)
            await until(lambda: self._identities <= results.firsts().keys(), within_s=200)  # where some were answered twice, their number says little
        firsts = results.firsts()
        wrong = sorted(each for each in self._identities | firsts.keys() if each not in self._identities or firsts[each] != 1)
        uneven = [f"{self.taken} commands were answered {len(results.all)} times"] if len(results.all) != self.taken else []
        return uneven + await audit(environment.settings) + [f"{each} has {firsts[each]} first results" for each in wrong]
