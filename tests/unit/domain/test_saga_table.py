"""Generated table: every step of a saga, forward and in compensation, with every fault, and how the saga ends."""

from collections.abc import Callable

import pytest

from app.domain.order_fulfilment.process import fulfilment
from app.eventsourcing.saga import CommandResult, OutgoingCommand, TimerElapsed
from schemas.envelopes import Refusal
from tests.support.domain.saga_world import ORDER, TIMING, World

THERE = {"payment": "ProcessPayment", "reservation/p-1": "ReserveInventory", "reservation/p-2": "ReserveInventory", "confirmation": "ConfirmOrder"}
BACK = {"reservation/p-1": "ReleaseInventory", "reservation/p-2": "ReleaseInventory", "payment": "RefundPayment", "order": "CancelOrder"}
Fault = Callable[[World, OutgoingCommand], None]


def refused(world: World, ask: OutgoingCommand) -> None:
    """Refuse the command for good."""
    world.queues[ask.aggregate_type, ask.aggregate_id].clear()
    world.hear(_reply(ask, Refusal(code="insufficient-luck", message="not today")))


def nothing_to_undo(world: World, ask: OutgoingCommand) -> None:
    """Answer that the step was never done."""
    world.queues[ask.aggregate_type, ask.aggregate_id].clear()
    world.hear(_reply(ask, Refusal(code="not-found", message="it never was")))


def silent(world: World, ask: OutgoingCommand) -> None:
    """Leave the command unanswered until the saga's last time-out. The commands arrive late."""
    held, back = world.queues[ask.aggregate_type, ask.aggregate_id], world.status == "COMPENSATING"
    while _waits_for(world, ask) and back == (world.status == "COMPENSATING"):
        world.wake()
    assert [each for each in held if each.command_type == ask.command_type] == [ask._replace(resent=times) for times in range(TIMING.retries + 1)]


def parked(world: World, ask: OutgoingCommand) -> None:
    """Park the command at first, and answer it when it is sent again."""
    world.hear(_reply(ask, Refusal(code="failed", message="a bug"), "parked"))
    world.hear(_reply(ask, Refusal(code="failed", message="a bug"), "parked"))
    world.wake()


def repeated(world: World, ask: OutgoingCommand) -> None:
    """Repeat the answer at once, and again at the end."""
    world.read((ask.aggregate_type, ask.aggregate_id))
    world.deliver()
    world.repeat(-1)
    world.settle()
    world.repeat(-1)


def early(world: World, ask: OutgoingCommand) -> None:
    """Answer commands that were not sent, or other ones."""
    for other in (ask._replace(command_id="another"), ask._replace(aggregate_id="another"), ask._replace(command_type="Another")):
        world.hear(_reply(other, None))
        world.hear(_reply(other, Refusal(code="insufficient-luck", message="not today")))
    assert _waits_for(world, ask)


def late(world: World, ask: OutgoingCommand) -> None:
    """Deliver the answer once the command has been sent again."""
    world.read((ask.aggregate_type, ask.aggregate_id))
    world.wake()
    world.wake()
    world.deliver()


def cancelled(world: World, _ask: OutgoingCommand) -> None:
    """Cancel the order as its customer."""
    world.order("CancelOrder", reason="changed my mind")


def overdue(world: World, _ask: OutgoingCommand) -> None:
    """Let the saga's deadline pass."""
    world.now_ms += 1_000_000
    world.hear(TimerElapsed(world.now_ms))


def operated(command_type: str, *, accepted: bool = True, **payload: object) -> Fault:
    """Return a fault in which an operator acts on the step."""

    def act(world: World, ask: OutgoingCommand) -> None:
        step = {"step": _step(ask)} | ({"productId": ask.aggregate_id} if ask.aggregate_type == "Product" else {})
        about = step if command_type in {"RetryStep", "SkipStep"} else {}
        assert (world.operate(command_type, **about, **payload) is None) == accepted

    act.__name__ = command_type
    return act


ON_THE_WAY: list[tuple[Fault, str]] = [
    (refused, "FAILED"),
    (silent, "FAILED"),
    (parked, "COMPLETED"),
    (repeated, "COMPLETED"),
    (early, "COMPLETED"),
    (late, "COMPLETED"),
    (cancelled, "FAILED"),
    (overdue, "FAILED"),
    (operated("RetryStep"), "COMPLETED"),
    (operated("ForceCompensate"), "FAILED"),
    (operated("CompleteSaga", accepted=False), "COMPLETED"),
    (operated("ExtendDeadline", seconds=60), "COMPLETED"),
]
ON_THE_WAY_BACK: list[tuple[Fault, str]] = [
    (refused, "NEEDS_INTERVENTION"),
    (nothing_to_undo, "FAILED"),
    (silent, "NEEDS_INTERVENTION"),
    (parked, "FAILED"),
    (repeated, "FAILED"),
    (early, "FAILED"),
    (late, "FAILED"),
    (operated("RetryStep"), "FAILED"),
    (operated("ForceCompensate", accepted=False), "FAILED"),
    (operated("CompleteSaga", accepted=False), "FAILED"),
    (operated("ExtendDeadline", accepted=False, seconds=60), "FAILED"),
]


@pytest.mark.parametrize("step", THERE)
@pytest.mark.parametrize(("fault", "end"), ON_THE_WAY, ids=[fault.__name__ for fault, _ in ON_THE_WAY])
def test_a_saga_that_something_befalls_on_its_way_ends_so(step: str, fault: Fault, end: str) -> None:
    world = World().place()

    fault(world, until_asked(world, step, THERE[step]))

    assert world.settle().status == end
    assert {world.order_status, *world.details().values()} <= ({"CONFIRMED", "PAID", "RESERVED"} if end == "COMPLETED" else UNDONE)


@pytest.mark.parametrize("step", BACK)
@pytest.mark.parametrize(("fault", "end"), ON_THE_WAY_BACK, ids=[fault.__name__ for fault, _ in ON_THE_WAY_BACK])
def test_a_saga_that_something_befalls_on_its_way_back_ends_so(step: str, fault: Fault, end: str) -> None:
    world = World().place().settle()
    assert world.operate("ForceCompensate") is None

    fault(world, until_asked(world, step, BACK[step]))

    assert world.settle().status == ("FAILED" if (fault, step) == (silent, "order") else end), "a saga hears at any time that its order is cancelled"
    if world.status == "NEEDS_INTERVENTION":
        assert world.operate("RetryStep", **named(step)) is None
        assert world.settle().status == "FAILED" or (world.operate("ForceCompensate") is None and world.settle().status == "FAILED")
    if fault is not nothing_to_undo:
        assert {world.order_status, *world.details().values()} <= UNDONE


UNDONE = {"CANCELLED", "REFUNDED", "RELEASED", None}


def until_asked(world: World, step: str, command_type: str) -> OutgoingCommand:
    """Answer everything before this step, and return the step's command unanswered."""
    while True:
        for ask in fulfilment.react(ORDER, world.saga).asks:
            if ask.command_type == command_type and step in {_step(ask), f"{_step(ask)}/{ask.aggregate_id}"}:
                return ask
        world.read(world.waiting()[0])
        world.deliver()


def named(step: str) -> dict[str, str]:
    """Return a step as the payload of an operator's command names it."""
    name, _, product = step.partition("/")
    return {"step": name, "productId": product} if product else {"step": name}


def _step(ask: OutgoingCommand) -> str:
    steps = {"Customer": "payment", "Product": "reservation", "Order": "confirmation" if ask.command_type == "ConfirmOrder" else "order"}
    return steps[ask.aggregate_type]


def _reply(ask: OutgoingCommand, refusal: Refusal | None, outcome: str = "refused") -> CommandResult:
    return CommandResult(ask.command_id, ask.command_type, ask.aggregate_id, outcome if refusal else "accepted", refusal)  # type: ignore[arg-type]  # one of the outcomes


def _waits_for(world: World, ask: OutgoingCommand) -> bool:
    return any(each.until_ms and _is(each, ask) for each in getattr(world.saga, "steps", ()) if each.is_open)


def _is(step: object, ask: OutgoingCommand) -> bool:
    return str(step) in {_step(ask), f"{_step(ask)}/{ask.aggregate_id}"}
