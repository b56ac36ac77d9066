"""Whatever the order in which things happen, and however often: a saga ends, with everything done or everything undone."""

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.domain.saga_world import World

Actions = list[tuple[str, int]]

STEPS: list[dict[str, object]] = [
    {"step": "order"},
    {"step": "payment"},
    {"step": "reservation", "productId": "p-1"},
    {"step": "reservation", "productId": "p-2"},
    {"step": "confirmation"},
]
MOVES = ("read", "deliver", "repeat", "wake", "read", "deliver")
PEOPLE = ("read", "deliver", "repeat", "wake", "cancel", "confirm", "RetryStep", "ForceCompensate", "ExtendDeadline")
STOCK = st.fixed_dictionaries({"p-1": st.integers(0, 3)}, optional={"p-2": st.integers(0, 3)})


def any_of(actions: tuple[str, ...]) -> st.SearchStrategy[Actions]:
    """Any of these in any order."""
    return st.lists(st.tuples(st.sampled_from(actions), st.integers(0, 99)), max_size=60)


def act(world: World, action: str, number: int) -> None:
    """Do one thing, if it can be done."""
    match action:
        case "read" if waiting := world.waiting():
            world.read(waiting[number % len(waiting)])
        case "deliver" if world.replies:
            world.deliver(number % len(world.replies))
        case "repeat" if world.heard:
            world.repeat(number % len(world.heard))
        case "wake":
            world.wake()
        case "cancel":
            world.order("CancelOrder", reason="changed my mind")
        case "confirm":
            world.order("ConfirmOrder")
        case "RetryStep":
            world.operate("RetryStep", **STEPS[number % len(STEPS)])
        case "ForceCompensate":
            world.operate("ForceCompensate")
        case "ExtendDeadline":
            world.operate("ExtendDeadline", seconds=number + 1)
        case _:
            pass


def judge(world: World) -> None:
    """Everything is done, or everything is undone."""
    if world.status == "COMPLETED":
        assert world.order_status == "CONFIRMED"
        assert set(world.details().values()) == {"PAID", "RESERVED"}
    else:
        assert (world.status, world.order_status) == ("FAILED", "CANCELLED")
        assert set(world.details().values()) <= {None, "REFUNDED", "RELEASED"}


def mended(world: World) -> World:
    """Settled, by an operator, too, where one was needed."""
    while world.settle().status == "NEEDS_INTERVENTION":
        assert world.operate("ForceCompensate") is None
    return world


@for_all(any_of(MOVES), STOCK, st.sampled_from([0, 100]))
@settings(max_examples=300)
def test_a_saga_ends_with_everything_done_or_undone_whatever_comes_late_twice_or_in_another_order(moves: Actions, stock: dict[str, int], credit: int) -> None:
    world = World(credit, stock).place()

    for action, number in moves:
        act(world, action, number)

    judge(mended(world))


@for_all(any_of(PEOPLE), STOCK, st.sampled_from([0, 100]))
@settings(max_examples=300)
def test_the_same_holds_when_customers_cancel_and_operators_act(moves: Actions, stock: dict[str, int], credit: int) -> None:
    world = World(credit, stock).place()

    for action, number in moves:
        act(world, action, number)

    judge(mended(world))
