"""Account of each customer, and the orders that get the customer's name when it changes (docs/decisions/0017)."""

import msgspec

from app.domain.customer import customer_decider
from app.domain.read_models.customer_account import CustomerAccount, project
from app.domain.read_models.customer_name import CustomerName, Ordering
from app.domain.registry import CUSTOMER_NAME, ORDERING
from app.eventsourcing.recorded_event import RecordedEvent, upcasts
from app.settings import Settings
from app.streams.app import app
from app.streams.kafka.partitioner import partition_of
from app.streams.processing.context import emit
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from app.topics.contract import event_topic, feed_topic

Ordered = dict[int, str]
"""Order that gets the customer's name, by partition of orders."""

accounts = app.Table("customer-account", value_type=CustomerAccount)
orderings = app.Table("customer-ordering", value_type=Ordered)


class Accounts:
    """Read model with a row for each customer, and one for each customer id that orders name, registered or not."""

    agent = "customer_account"

    def __init__(self, settings: Settings, accounts: Table[CustomerAccount], orderings: Table[Ordered]) -> None:
        self.feeds: tuple[str, ...] = (feed_topic(settings, ORDERING),)
        self.events: tuple[str, ...] = (event_topic(settings, "Customer"), *self.feeds)
        rows = [msgspec.json.schema(row) for row in (CustomerAccount, Ordered, Ordering, CustomerName)]
        self.fingerprint = fingerprint([project, *upcasts(customer_decider.events), Accounts], rows)
        self._names = feed_topic(settings, CUSTOMER_NAME)
        self._partitions = settings.partitions
        self._accounts = accounts
        self._orderings = orderings

    def before(self, event: RecordedEvent) -> CustomerAccount | None:
        """Return the customer's row; None when there is none."""
        return self._accounts.get(event.aggregate_id)

    def apply(self, before: CustomerAccount | None, event: RecordedEvent, value: bytes) -> None:
        """Project an event into the customer's row. A new name is sent to all orders that asked for it."""
        del value
        account = self._accounts[event.aggregate_id] = project(before, event)
        if account.named_at == account.version:
            for order_id in (self._orderings.get(account.customer_id) or {}).values():
                self._tell(account.customer_id, order_id)

    def told(self, value: bytes) -> None:
        """Handle an order's request for a customer's name: send the name now and whenever it changes.

        Each partition asks once; a repeated request has no effect.
        """
        ordering = msgspec.json.decode(value, type=Ordering)
        known = self._orderings.get(ordering.customer_id) or {}
        partition = partition_of(ordering.order_id.encode(), self._partitions)
        if partition not in known:
            self._orderings[ordering.customer_id] = {**known, partition: ordering.order_id}
            self._tell(ordering.customer_id, ordering.order_id)

    def committed(self, store: StateStore, customer_id: str) -> CustomerAccount | None:
        """Return a customer's row; None when the customer was never registered."""
        return self._accounts.committed(store, customer_id)

    def _tell(self, customer_id: str, order_id: str) -> None:
        account = self._accounts.get(customer_id)
        name = CustomerName(customer_id, account.named_at, account.name, account.email) if account else CustomerName(customer_id, 0)
        emit(self._names, order_id.encode(), msgspec.json.encode(name))


customer_accounts = Accounts(app.side.settings, accounts, orderings)
