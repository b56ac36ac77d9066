"""Stage: brings each saga to a step whose command is held back before its participant can read it. Then the fault of the step can begin."""

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
    """Stage for all cases of a table together: `async with Stage(environment, found) as stage`."""

    def __init__(self, environment: Environment, found: Events) -> None:
        """Prepare a stage; `found` collects the events of the environment's sagas."""
        self._environment = environment
        self._found = found
        self._holds: dict[tuple[str, int], Hold] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.let_go(*self._holds)

    async def bring(self, cases: Sequence[Case]) -> None:
        """Return once each case's saga has sent its step's command, and these commands are held back, behind the commands of `Case.before`."""
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
        """Hold back records to this kind of aggregate (`Saga`: to its inbox) in these partitions, until `let_go`."""
        for partition in partitions:
            hold = self._holds[kind, partition] = Hold(self._environment.settings, command_topic(self._environment.settings, kind), partition)
            await hold.begin()

    async def let_go(self, *held: tuple[str, int]) -> None:
        """Release the records held back for these kinds of aggregate in these partitions."""
        for each in held:
            await self._holds.pop(each).end()

    async def let_go_all(self, *partitions: int) -> None:
        """Release everything held back in these partitions."""
        await self.let_go(*[held for held in self._holds if held[1] in partitions])

    async def asked_again(self, cases: Sequence[Case]) -> None:
        """Wait until each case's step has timed out."""
        await until(lambda: all(self.timed_out(case) for case in cases), WITHIN_S)

    async def given_up(self, cases: Sequence[Case]) -> None:
        """Wait until each case's step has timed out so often that its command is not sent again."""
        await until(lambda: all("final" in self.timed_out(case) for case in cases), WITHIN_S)

    def timed_out(self, case: Case) -> list[str]:
        """Return a word for each time-out of the case's step: `again` if its command is sent again, `final` if not."""
        told = [event["payload"] for event in self._found.all if (event["aggregateId"], event["eventType"]) == (case.order_id, "SagaStepFailed")]
        late = [payload for payload in told if case.named.items() <= payload.items() and payload["outcome"] == "timed-out"]
        return ["again" if "retryAt" in payload else "final" for payload in late]

    async def _register(self, cases: Sequence[Case]) -> None:
        """Register everything before the first order. No worker joins later, so a command without an answer is one that is held back."""
        await self._environment.send(each for case in cases for each in case.begin())
        await until(lambda: all(worker.owned for worker in self._environment.workers), WITHIN_S)
        await self._environment.caught_up()

    async def _complete(self, cases: Sequence[Case]) -> None:
        """Complete the sagas that will be compensated."""
        await self._environment.send(case.place() for case in cases)
        await self._found.last({case.order_id: "SagaCompleted" for case in cases}, WITHIN_S)

    async def _hold_confirmations(self, cases: Sequence[Case], partitions: Iterable[int]) -> None:
        """Hold back confirmations. An order cannot be placed while its commands are held back, so payments are held back first."""
        await self.hold("Customer", partitions)
        await self._environment.send(case.place() for case in cases)
        await until(lambda: all("StepCompleted order" in self._found.kinds(case.order_id) for case in cases), WITHIN_S)
        await self.hold("Order", partitions)
        await self._environment.send(each for case in cases for each in case.before())
        await self.let_go(*[("Customer", partition) for partition in partitions])
        await self._asked(cases)

    async def _asked(self, cases: Sequence[Case]) -> None:
        await until(lambda: all(case.asked <= set(self._found.kinds(case.order_id)) for case in cases), WITHIN_S)
