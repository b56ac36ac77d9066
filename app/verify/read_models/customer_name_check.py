"""Check of the customer names next to orders, in all partitions, against the customers' own events."""

from collections.abc import AsyncIterator
from hashlib import blake2b

import msgspec
from msgspec import Struct

from app.domain.read_models.customer_account import CustomerAccount, project
from app.domain.read_models.customer_name import CustomerName
from app.eventsourcing.recorded_event import RecordedEvent
from app.verify.findings import NUL, FindingKind, Findings, RecordRef
from app.verify.read_models.worker_client import Row
from app.verify.reading.disk_map import DiskMap

TOLD = "order-customer"
_SUMMARIES = "order-summary"
_NAMING = ("CustomerRegistered", "CustomerChanged")


class _Told(Struct, array_like=True):
    version: int
    name: bytes


class _Ordered(Struct, rename="camel"):
    customer_id: str


_encode = msgspec.json.Encoder().encode
_told = msgspec.json.Decoder(_Told).decode
_name = msgspec.json.Decoder(CustomerName).decode
_account = msgspec.json.Decoder(CustomerAccount).decode
_ordered = msgspec.json.Decoder(_Ordered).decode


class Names:
    """Names of customers from their events, and names in the partitions of their orders. Shared by all partitions."""

    def __init__(self, scratch: DiskMap) -> None:
        self._scratch = scratch

    def given(self, account: CustomerAccount) -> None:
        """Remember the customer's name since the version of the account."""
        self._scratch.put(_named(account.customer_id, account.version), _digest(account.name, account.email))
        self._scratch.put(_last(account.customer_id), b"%d" % account.version)

    def told(self, partition: int, name: CustomerName) -> None:
        """Remember the name that a partition keeps for its orders."""
        self._scratch.put(_beside(name.customer_id, partition), _encode(_Told(name.version, _digest(name.name, name.email))))

    def is_told(self, customer_id: str, partition: int) -> bool:
        """Return True if the partition keeps a name, or a request for one, of this customer."""
        return self._scratch.get(_beside(customer_id, partition)) is not None

    async def wrong(self) -> AsyncIterator[tuple[str, int, str]]:
        """Yield customer, partition and fault of each wrong name. Names newer than the customer's last event that was read are not checked."""
        async for key, value in self._scratch.scan(f"told{NUL}".encode()):
            _, customer_id, partition = key.decode().split(NUL)
            if fault := self._fault(customer_id, _told(value)):
                yield customer_id, int(partition), fault

    def _fault(self, customer_id: str, told: _Told) -> str | None:
        if told.version <= 0:
            return None if told.name == _digest(None, None) else "has a name before it was registered"
        last = self._scratch.get(_last(customer_id))
        if last is None or told.version > int(last):
            return None
        named = self._scratch.get(_named(customer_id, told.version))
        return None if named == told.name else f"is called otherwise than it was at version {told.version}"


class CustomerNameCheck:
    """Check like RowCheck, of the names in one partition's rows and of the customers of that partition."""

    name = "order_summary"
    logs: tuple[str, ...] = ("customer",)

    def __init__(self, names: Names, scratch: DiskMap, findings: Findings, partition: int) -> None:
        self.compared = self.unjudged = 0
        self._names = names
        self._scratch = scratch
        self._findings = findings
        self._partition = partition

    def take(self, row: Row) -> None:
        """Take a name, or an order that needs one."""
        if row.table == TOLD:
            self._names.told(self._partition, _name(row.row))
        elif row.table == _SUMMARIES:
            self._scratch.put(f"ordered{NUL}{_ordered(row.row).customer_id}".encode(), b"")

    def event(self, event: RecordedEvent, value: bytes, *, sure: bool) -> None:
        """Take the next event of a customer."""
        del value, sure
        if event.event_type not in _NAMING:
            return
        key = f"naming{NUL}{event.aggregate_id}".encode()
        found = self._scratch.get(key)
        before = None if found is None else _account(found)
        if before is None or event.version > before.version:
            account = project(before, event)
            self._scratch.put(key, _encode(account))
            self._names.given(account)

    def let_off(self, aggregate_id: str) -> None:
        """Exempt nothing: events that a view has parked say nothing about names."""

    async def finish(self, *, still: bool) -> None:
        """Check that the partition has requested the name of each customer with an order there. It does so at the first order."""
        async for key, _ in self._scratch.scan(f"ordered{NUL}".encode()):
            customer_id = key.decode().partition(NUL)[2]
            if still and not self._names.is_told(customer_id, self._partition):
                self._findings.add(FindingKind.WRONG_VIEW, RecordRef(TOLD, self._partition, None, customer_id.encode()), "is missing")


def _named(customer_id: str, version: int) -> bytes:
    return f"named{NUL}{customer_id}{NUL}{version}".encode()


def _last(customer_id: str) -> bytes:
    return f"last-name{NUL}{customer_id}".encode()


def _beside(customer_id: str, partition: int) -> bytes:
    return f"told{NUL}{customer_id}{NUL}{partition}".encode()


def _digest(name: str | None, email: str | None) -> bytes:
    """Return a digest of the names. They are personal, so verify does not keep them."""
    return blake2b(msgspec.json.encode([name, email]), digest_size=16).digest()
