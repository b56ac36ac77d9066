"""Brings sagas to a step each, whose command is held up before its partner can read it: then the step's fault can begin."""

from collections.abc import Iterable, Sequence
from typing import Self

from app.topics.contract import command_topic
from tests.support.sagas.saga_cases import CONFIRMATION, Case
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.hold import Hold
from tests.support.workers.shop import Events, command

WITHIN_S = 100


class Stage:
    """Who begins all cases of a table together: `async with Stage(environment, found) as stage`."""

    def __init__(self, environment: Environment, found: Events) -> None:
        """`found` collects the events of the environment's sagas."""
        self._environment = environment
        self._found = found
        self._holds: dict[tuple[str, int], Hold] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.let_go(*self._holds)

    async def bring(self, cases: Sequence[Case]) -> None:
        """Return once each case's saga asks for its step, and those commands are held up; in front of them is what `before` has."""
        confirmations = [case for case in cases if case.step == CONFIRMATION]
        there = [case for case in cases if case.step.way == "do" and case not in confirmations]
        back = [case for case in cases if case.step.way == "undo"]
        partitions = {case.partition for case in cases}
        await self._register(cases)
        await self._complete(back)
        await self._hold_confirmations(confirmations, partitions)
        for kind in ("Customer", "Product"):
            await self.hold(kind, partitions)
        await self._environment.send(each for case in (*there, *back) for each in case.before())
        await self._environment.send(case.place() for case in there)
        await self._environment.send(command("Saga", case.order_id, "ForceCompensate", user="ada", reason="a test") for case in back)
        await self._asked(cases)

    async def hold(self, kind: str, partitions: Iterable[int]) -> None:
        """What is written to this kind of aggregate (`Saga`: to its inbox) in these partitions does not come until it is let go."""
        for partition in partitions:
            hold = self._holds[kind, partition] = Hold(self._environment.settings, command_topic(self._environment.settings, kind), partition)
            await hold.begin()

    async def let_go(self, *held: tuple[str, int]) -> None:
        """The commands to these kinds of aggregate in these partitions come now."""
        for each in held:
            await self._holds.pop(each).end()

    async def let_go_all(self, *partitions: int) -> None:
        """All that is held up in these partitions comes now."""
        await self.let_go(*[held for held in self._holds if held[1] in partitions])

    async def asked_again(self, cases: Sequence[Case]) -> None:
        """Wait until each case's step was not answered in time."""
        await until(lambda: all(self.timed_out(case) for case in cases), WITHIN_S)

    async def given_up(self, cases: Sequence[Case]) -> None:
        """Wait until each case's step was not answered in time so often that it is not asked for again."""
        await until(lambda: all("final" in self.timed_out(case) for case in cases), WITHIN_S)

    def timed_out(self, case: Case) -> list[str]:
        """A word for each time that the case's step was not answered in time: is it asked for again?"""
        told = [event["payload"] for event in self._found.all if (event["aggregateId"], event["eventType"]) == (case.order_id, "SagaStepFailed")]
        late = [payload for payload in told if case.named.items() <= payload.items() and payload["outcome"] == "timed-out"]
        return ["again" if "retryAt" in payload else "final" for payload in late]

    async def _register(self, cases: Sequence[Case]) -> None:
        """All that there is to be known before the first order; no worker comes later, so that whoever is not answered is held up."""
        await self._environment.send(each for case in cases for each in case.begin())
        await until(lambda: all(worker.owned for worker in self._environment.workers), WITHIN_S)
        await self._environment.caught_up()

    async def _complete(self, cases: Sequence[Case]) -> None:
        """Those that will be undone go all the way first."""
        await self._environment.send(case.place() for case in cases)
        await self._found.last({case.order_id: "SagaCompleted" for case in cases}, WITHIN_S)

    async def _hold_confirmations(self, cases: Sequence[Case], partitions: Iterable[int]) -> None:
        """An order cannot be placed when its commands are held up: so these wait for their payments first."""
        await self.hold("Customer", partitions)
        await self._environment.send(case.place() for case in cases)
        await until(lambda: all("StepCompleted order" in self._found.kinds(case.order_id) for case in cases), WITHIN_S)
        await self.hold("Order", partitions)
        await self._environment.send(each for case in cases for each in case.before())
        await self.let_go(*[("Customer", partition) for partition in partitions])
        await self._asked(cases)

    async def _asked(self, cases: Sequence[Case]) -> None:
        await until(lambda: all(case.asked <= set(self._found.kinds(case.order_id)) for case in cases), WITHIN_S)
