"""How tasks steer the records that Faust's consumer fetches for them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from faust.types import TP


class Side(Protocol):
    """The write side, or the views."""

    @property
    def inputs(self) -> Sequence[str]:
        """The topics that its tasks read, their names on the broker."""


class ConsumerFlow:
    """Starts and stops partitions of the application's consumer, those of one side."""

    def __init__(self, app: Any, side: Side) -> None:  # noqa: ANN401 (the application imports this module's users)
        self._app = app
        self._side = side

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition from the offset on."""
        await self._app.consumer.start_at({TP(topic, partition): offset for topic, offset in offsets.items()})

    def stop(self, partition: int) -> None:
        """Fetch nothing more for this partition."""
        self._app.consumer.pause_partitions({TP(topic, partition) for topic in self._side.inputs})

    async def reached(self, partition: int) -> dict[str, int]:
        """From where is fetched next, of the topics of which no record waits for its agent."""
        wanted = {TP(topic, partition) for topic in self._side.inputs}
        return {tp.topic: offset for tp, offset in (await self._app.consumer.idle_positions(wanted)).items()}

    async def owned(self) -> bool:
        """True once the group has answered that this worker still is a member in the generation it knows."""
        return bool(await self._app.consumer.owned(self._app.tables.generation))
