"""Properties of sagas: messages may come in any order and repeatedly. Each saga ends well, or an operator can bring it there."""

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from app.domain.product import product_decider
from tests.support.domain.saga_world import World
from tests.support.domain.scenario import given
from tests.unit.domain.test_saga_table import named

Actions = list[tuple[str, int]]

STEPS: list[dict[str, object]] = [
    {"step": "order"},
    {"step": "payment"},
    {"step": "reservation", "productId": "p-1"},
    {"step": "reservation", "productId": "p-2"},
    {"step": "confirmation"},
]
MOVES = ("read", "deliver", "repeat", "wake", "read", "deliver")
PEOPLE = ("read", "deliver", "repeat", "wake", "cancel", "confirm", "ship", "park", "RetryStep", "ForceCompensate", "ExtendDeadline")
ORDERED = {"cancel": "CancelOrder", "confirm": "ConfirmOrder", "ship": "ShipOrder"}
STOCK = st.fixed_dictionaries({"p-1": st.integers(0, 3)}, optional={"p-2": st.integers(0, 3)})


def any_of(actions: tuple[str, ...]) -> st.SearchStrategy[Actions]:
    """Draw any of these actions in any order."""
    return st.lists(st.tuples(st.sampled_from(actions), st.integers(0, 99)), max_size=60)


def act(world: World, action: str, number: int) -> None:
    """Do one action, if it is possible."""
    if action in ORDERED:
        world.order(ORDERED[action], **({"reason": "changed my mind"} if action == "cancel" else {}))
        return
    match action:
        case "read" if waiting := world.waiting():
            world.read(waiting[number % len(waiting)])
        case "deliver" if world.replies:
            world.deliver(number % len(world.replies))
        case "repeat" if world.heard:
            world.repeat(number % len(world.heard))
        case "wake":
            world.wake()
        case "park":
            world.parked = lambda ask: ask.aggregate_id == f"p-{number % 3}"
        case "RetryStep":
            world.operate("RetryStep", **STEPS[number % len(STEPS)])
        case "ForceCompensate":
            world.operate("ForceCompensate")
        case "ExtendDeadline":
            world.operate("ExtendDeadline", seconds=number + 1)
        case _:
            pass


def judge(world: World) -> None:
    """Assert that the order is paid, with its stock reserved or shipped, or that everything is compensated."""
    if world.status == "COMPLETED":
        assert set(world.details().values()) == {"PAID", {"CONFIRMED": "RESERVED", "SHIPPED": "SHIPPED"}[world.order_status]}
    else:
        assert (world.status, world.order_status) == ("FAILED", "CANCELLED")
        assert set(world.details().values()) <= {None, "REFUNDED", "RELEASED"}


def mended(world: World) -> World:
    """Run a saga to its end, with an operator's help if necessary.

    The operator adds stock and credit if the order was shipped, and compensates otherwise.
    """
    while world.settle().status == "NEEDS_INTERVENTION":
        world.parked = lambda _: False
        if world.order_status == "SHIPPED":
            provide(world)
            left = world.events[-1].steps  # type: ignore[union-attr]  # the last event of a saga in need names them
            assert [world.operate("RetryStep", **named(step)) for step in left] == [None for _ in left]
        else:
            assert world.operate("ForceCompensate") is None
    return world


def provide(world: World) -> None:
    """Add the stock and the credit that were missing."""
    for name, _ in world.lines:
        product = world.partners.setdefault(("Product", name), given(product_decider))
        product.after("RegisterProduct", name="A thing", price=5, currency="EUR").after("ReceiveStock", quantity=10)
    world.partners["Customer", "c-1"].after("ChangeCreditLimit", creditLimit=1_000)


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
