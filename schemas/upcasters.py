"""Upcasters for events of earlier schema versions. Each step converts a payload to the next version."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

Payload = dict[str, Any]


class Step(NamedTuple):
    """Conversion of the payload of `event_type` from version `source` to `target`."""

    event_type: str
    source: int
    target: int
    upcast: Callable[[Payload], Payload]


class BrokenChain(ValueError):  # noqa: N818 (what it says)
    """Error: the declared steps do not lead from version 1 to the current version."""


class NewerSchema(ValueError):  # noqa: N818 (what it says)
    """Error: newer code than this wrote the event. The reader must stop, never skip it."""


class Upcasters:
    """All upcasting steps. The constructor checks that each advances by one version, and that none is duplicated or missing up to `today`."""

    def __init__(self, today: Mapping[str, int], steps: Iterable[Step] = ()) -> None:
        """Check the steps. `today` is the current version of each event type that is not at 1. Raises BrokenChain if the steps do not fit."""
        self._today = dict(today)
        self._steps: dict[tuple[str, int], Step] = {}
        for step in steps:
            self._add(step)
        self._check_gaps()

    def version(self, event_type: str) -> int:
        """Return the current schema version of an event type."""
        return self._today.get(event_type, 1)

    def steps(self, event_type: str) -> list[Step]:
        """Return the steps from version 1 of this event type to the current version."""
        return [self._steps[event_type, source] for source in range(1, self.version(event_type))]

    def upcast(self, event_type: str, version: int, payload: Payload) -> Payload:
        """Convert the payload to the current version. Raises NewerSchema if it has a later one."""
        self.check(event_type, version)
        for source in range(version, self.version(event_type)):
            payload = self._steps[event_type, source].upcast(payload)
        return payload

    def check(self, event_type: str, version: int) -> None:
        """Raise NewerSchema if this code must not read an event of this version."""
        if version > self.version(event_type):
            raise NewerSchema(f"{event_type} has schemaVersion {version}, this code knows {self.version(event_type)}: install the newer Foldstream")

    def _add(self, step: Step) -> None:
        if step.target != step.source + 1:
            raise BrokenChain(f"the step of {step.event_type} from {step.source} to {step.target} does not advance by one version")
        if (step.event_type, step.source) in self._steps:
            raise BrokenChain(f"two steps lead {step.event_type} on from version {step.source}")
        self._steps[step.event_type, step.source] = step

    def _check_gaps(self) -> None:
        needed = {(event_type, source) for event_type, today in self._today.items() for source in range(1, today)}
        if needed != self._steps.keys():
            raise BrokenChain(f"missing or unused upcasting steps: {sorted(needed ^ self._steps.keys())}")


def _order_placed_2(payload: Payload) -> Payload:
    return {"currency": "KRW", "shippingMethod": "STANDARD", **payload}


upcasters = Upcasters({"OrderPlaced": 2}, [Step("OrderPlaced", 1, 2, _order_placed_2)])
