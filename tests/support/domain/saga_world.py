"""A saga and its participants without a broker. Their deciders answer its commands in order, and the test chooses when each message arrives."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import msgspec

from app.domain.customer import customer_decider
from app.domain.order import Order, order_decider
from app.domain.order_fulfilment.handle import Placed
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.order_fulfilment.process import fulfilment
from app.domain.order_fulfilment.state import Saga, status
from app.domain.product import product_decider
from app.domain.shipping import policy
from app.eventsourcing.decide import CommandInput, CurrentState, respond
from app.eventsourcing.decider import Decider, order_named
from app.eventsourcing.saga import CommandResult, OutgoingCommand, TimerElapsed
from schemas.customer import CustomerRegistered
from schemas.envelopes import Event, Refusal, payload_json
from schemas.order import OrderPlaced
from schemas.product import ProductRegistered, StockReceived
from schemas.saga import SagaEvent, Timing
from schemas.timestamp import milliseconds, rfc3339
from tests.support.domain.scenario import AT, Scenario, given

ORDER = "o-1"
TIMING = Timing(step_timeout_ms=1_000, backoff_ms=100, retries=2)
DEADLINE_MS = 60_000
DECIDERS: dict[str, Decider] = {decider.aggregate_type: decider for decider in (order_decider, customer_decider, product_decider)}
Partner = tuple[str, str]
"""Type and id of an aggregate."""


@dataclass
class World:
    """One order, its saga, a customer, and products."""

    credit: int = 100
    stock: dict[str, int] = field(default_factory=lambda: {"p-1": 5, "p-2": 5})
    lines: tuple[tuple[str, int], ...] = (("p-1", 1), ("p-2", 2), ("p-1", 1))
    price: int = 5
    saga: Saga = fulfilment.initial
    events: list[SagaEvent] = field(default_factory=list)
    queues: dict[Partner, deque[OutgoingCommand]] = field(default_factory=lambda: defaultdict(deque))
    """Commands that each participant has not read yet."""
    replies: list[CommandResult] = field(default_factory=list)
    """Replies that the saga has not received yet."""
    heard: list[CommandResult] = field(default_factory=list)
    """Replies that the saga has received, and may receive again."""
    now_ms: int = milliseconds(AT)
    parked: Callable[[OutgoingCommand], bool] = lambda _: False
    """Predicate: True for commands that are parked whenever they are read."""
    answers: dict[tuple[Partner, str], CommandResult] = field(default_factory=dict)
    shipping: list[OutgoingCommand] = field(default_factory=list)
    """Commands of the shipping policy, which waits for no answer."""

    def __post_init__(self) -> None:
        registered = CustomerRegistered(name="Ada", email="a@example.org", credit_limit=self.credit, currency="EUR")
        self.partners: dict[Partner, Scenario] = {("Order", ORDER): given(order_decider), ("Customer", "c-1"): given(customer_decider, registered)}
        for name, stock in self.stock.items():
            offered = ProductRegistered(name="A thing", price=5, currency="EUR")
            received = (StockReceived(quantity=stock),) if stock else ()
            self.partners["Product", name] = given(product_decider, offered, *received)

    @property
    def status(self) -> str:
        """Status of the saga."""
        return status(self.saga)

    @property
    def ended(self) -> bool:
        """True once the saga does nothing more by itself."""
        return self.status in {"COMPLETED", "FAILED", "NEEDS_INTERVENTION"}

    def place(self) -> "World":
        """Place the order."""
        items = [{"productId": product, "quantity": quantity, "price": self.price} for product, quantity in self.lines]
        self.order("PlaceOrder", customerId="c-1", items=items, shippingAddress="Here 1", currency="EUR")
        return self

    def order(self, command_type: str, **payload: object) -> Refusal | None:
        """Send a command to the order, and pass its events to the saga in the same transaction. Return the refusal, if any."""
        before = self.partners["Order", ORDER].root
        answer = self._decide(("Order", ORDER), command_type, payload)
        for event in answer.events:
            self._ship(before, event)
            self.hear(Placed(event, "place", TIMING, DEADLINE_MS) if isinstance(event, OrderPlaced) else event)
        refusal: Refusal | None = answer.refusal
        return refusal

    def hear(self, what: object) -> None:
        """Pass an input to the saga now."""
        self._after(fulfilment.hear(ORDER, self.saga, what, self.now_ms))  # type: ignore[arg-type]  # anything that is heard

    def operate(self, command_type: str, **payload: object) -> Refusal | None:
        """Send an operator's command to the saga. Return the refusal, if any."""
        standing = CurrentState(len(self.events), self.saga, self.partners["Order", ORDER].root)
        answer = respond(saga_decider, CommandInput(command_type, {"reason": "so it must be", **payload}), standing, rfc3339(self.now_ms))
        self._after(answer.events)
        return answer.refusal

    def read(self, partner: Partner) -> None:
        """Let a participant read its next command and answer it. A repeated command gets its first answer."""
        ask = self.queues[partner].popleft()
        if ask in self.shipping:
            self._answer(partner, ask)
            return
        if self.parked(ask):
            self.replies.append(CommandResult(ask.command_id, ask.command_type, ask.aggregate_id, "parked", Refusal(code="failed", message="a bug")))
            return
        if (partner, ask.command_id) not in self.answers:
            self.answers[partner, ask.command_id] = self._answer(partner, ask)
        self.replies.append(self.answers[partner, ask.command_id])

    def deliver(self, number: int = 0) -> None:
        """Deliver one of the waiting replies to the saga."""
        reply = self.replies.pop(number)
        self.heard.append(reply)
        self.hear(reply)

    def repeat(self, number: int) -> None:
        """Deliver a reply a second time."""
        self.hear(self.heard[number])

    def wake(self) -> None:
        """Advance the clock to the saga's timer, and fire it."""
        wake_ms = fulfilment.react(ORDER, self.saga).wake_ms
        if wake_ms is not None:
            self.now_ms = max(self.now_ms, wake_ms)
            self.hear(TimerElapsed(self.now_ms))

    def waiting(self) -> list[Partner]:
        """Return the participants that have commands to read."""
        return [partner for partner, queue in self.queues.items() if queue]

    def drain(self) -> "World":
        """Deliver all commands and replies, until none is left."""
        while self.replies or self.waiting():
            for partner in self.waiting():
                self.read(partner)
            while self.replies:
                self.deliver()
        return self

    def settle(self) -> "World":
        """Run until the saga has ended and no message is under way."""
        self.drain()
        while not self.ended:
            self.wake()
            self.drain()
        return self

    def details(self) -> dict[str, str | None]:
        """Return the final states of the payment and of the reservations."""
        states = {kind: partner.details.get(ORDER) for (_, kind), partner in self.partners.items() if kind != ORDER}
        return {name: None if detail is None else str(detail.state) for name, detail in states.items()}

    @property
    def order_status(self) -> str:
        """Status of the order."""
        return str(self.partners["Order", ORDER].root.__struct_config__.tag)

    def _after(self, events: tuple[Event, ...]) -> None:
        before = self.saga
        for event in events:
            again = type(event).model_validate(msgspec.json.decode(payload_json(event)))
            assert again == event, "the log gives back what was decided"
            self.saga = fulfilment.evolve(self.saga, event)  # type: ignore[arg-type]  # a saga's event
        assert msgspec.json.decode(msgspec.json.encode(self.saga), type=Saga) == self.saga, "and its row what was folded"
        self.events += events  # type: ignore[arg-type]  # as above
        assert self.saga == reduce(fulfilment.evolve, self.events, fulfilment.initial)
        asked = {(ask.command_id, ask.resent) for ask in fulfilment.react(ORDER, before).asks}
        for ask in fulfilment.react(ORDER, self.saga).asks:
            if (ask.command_id, ask.resent) not in asked:
                self.queues[ask.aggregate_type, ask.aggregate_id].append(ask)

    def _ship(self, order: Order, event: Event) -> None:
        for ask in policy(ORDER, order, event, "shipped"):
            self.shipping.append(ask)
            self.queues[ask.aggregate_type, ask.aggregate_id].append(ask)

    def _answer(self, partner: Partner, ask: OutgoingCommand) -> CommandResult:
        if partner not in self.partners:
            refusal: Refusal | None = Refusal(code=f"unknown-{partner[0].lower()}", message="never registered")
        elif partner[0] == "Order":
            refusal = self._ordered(ask)
        else:
            refusal = self._decide(partner, ask.command_type, ask.payload).refusal
        return CommandResult(ask.command_id, ask.command_type, ask.aggregate_id, "refused" if refusal else "accepted", refusal)

    def _ordered(self, ask: OutgoingCommand) -> Refusal | None:
        answer = self._decide(("Order", ORDER), ask.command_type, ask.payload)
        for event in answer.events:
            self.hear(event)
        refusal: Refusal | None = answer.refusal
        return refusal

    def _decide(self, partner: Partner, command_type: str, payload: dict[str, Any]) -> Any:  # noqa: ANN401 (the answer of any decider)
        scenario = self.partners[partner]
        assert scenario.decider is DECIDERS[partner[0]]
        scenario.beside = self.saga if partner[0] == "Order" else None
        answer = scenario.when(command_type, **payload).answer
        for event in answer.events:
            scenario.fold(event)
        assert all(order_named(event) in {None, ORDER} for event in answer.events)
        return answer
