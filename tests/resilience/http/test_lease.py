"""Worker that was stopped for longer than its session: it answers no waiting read with old state (contract, section 4)."""

import asyncio
import signal
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from app.client.results import Json
from tests.support.http.client import PLACE, Answer, Client
from tests.support.http.fixtures import Shop
from tests.support.workers.shop import located
from tests.support.workers.worker import WHOLE
from tests.system.http.test_views import ADA

WITHIN_S = 60
LOOK_S = 0.2


class Held(NamedTuple):
    """Order with its customer and product, all owned by one worker."""

    order: str
    customer: str
    product: str

    @property
    def past(self) -> dict[str, Json]:
        """Paths to read, with fields that show that nothing has happened to them yet."""
        return self._shown("CONFIRMED", "COMPLETED", {"name": "Ada", "creditUsed": 5}, {"onHand": 3, "reserved": 1})

    @property
    def present(self) -> dict[str, Json]:
        """Paths to read, with fields that show what others have done meanwhile."""
        return self._shown("CANCELLED", "FAILED", {"name": "Bea", "creditUsed": 0}, {"onHand": 8, "reserved": 0})

    def _shown(self, order: str, saga: str, customer: Json, product: Json) -> dict[str, Json]:
        return {
            f"/orders/{self.order}": {"status": order},
            f"/orders?customerId={self.customer}": {"status": order},
            f"/products/{self.product}": product,
            f"/customers/{self.customer}": customer,
            f"/orders/{self.order}/saga": {"status": saga},
        }


@pytest.fixture
def program() -> tuple[str, ...]:
    """Return arguments of a worker with sagas."""
    return WHOLE


async def stopped_past_its_session(shop: Shop) -> None:
    """Stop the owner, send it reads, change everything at the other worker, and resume the owner."""
    owner, other, held = await _confirmed(shop)
    owner.worker.signal(signal.SIGSTOP)
    asked = {path: asyncio.create_task(owner.get(path)) for path in held.past}

    await _until_taken(other, f"/products/{held.product}/stock", {"quantity": 5})
    await _until_taken(other, f"/orders/{held.order}/cancel", {"reason": "late"})
    await _until_taken(other, f"/customers/{held.customer}", {"name": "Bea"}, "PATCH")
    await _shows(other, held.present)
    owner.worker.signal(signal.SIGCONT)

    for path, waiting in asked.items():
        answer = await waiting
        assert answer.status == 503 or _has(answer, held.present[path]), f"{path} was answered with the past: {answer}"


@pytest.mark.timeout(300)
async def test_a_worker_that_was_stopped_past_its_session_does_not_answer_with_the_past(own_shop: Shop) -> None:
    await stopped_past_its_session(own_shop)


async def _confirmed(shop: Shop) -> tuple[Client, Client, Held]:
    """Return the worker that owns a confirmed order with its customer and product, the other worker, and the ids."""
    owner, partitions = shop.one, shop.environment.settings.partitions
    held = Held(*[located(stem, owner.worker.owned, partitions) for stem in ("o", "c", "p")])
    items = [{"productId": held.product, "quantity": 1, "price": 5}]
    await owner.post("/customers", {**ADA, "customerId": held.customer})
    await owner.post("/products", {"name": "A thing", "price": 5, "currency": "EUR", "productId": held.product})
    await owner.post(f"/products/{held.product}/stock", {"quantity": 3})
    await owner.post("/orders", {**PLACE, "orderId": held.order, "customerId": held.customer, "items": items})
    await _shows(owner, held.past)
    return owner, shop.other, held


async def _shows(client: Client, wanted: Mapping[str, Json]) -> None:
    """Wait until the worker answers all of these reads with these fields."""
    async with asyncio.timeout(WITHIN_S):
        for path, fields in wanted.items():
            while not _has(await client.get(path), fields):  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(LOOK_S)


def _has(answer: Answer, fields: Json) -> bool:
    """Return True if the answer has these fields; of a list, its first item."""
    shown = answer.body["items"][0] if answer.body.get("items") else answer.body
    return answer.status == 200 and fields.items() <= shown.items()


async def _until_taken(client: Client, path: str, body: object, method: str = "POST") -> None:
    """Repeat a write until the worker owns what it writes to."""
    async with asyncio.timeout(WITHIN_S):
        while (await client.ask(method, path, body, idempotency_key="the-write")).status != 200:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(LOOK_S)
