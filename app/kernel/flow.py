"""How tasks steer the records that Faust's consumer fetches for them."""

from collections.abc import Mapping
from typing import Any

from faust.types import TP


class ConsumerFlow:
    """Starts and stops partitions of the application's consumer."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 (the application imports this module's users)
        self._app = app

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition from the offset on."""
        await self._app.consumer.start_at({TP(topic, partition): offset for topic, offset in offsets.items()})

    def stop(self, partition: int) -> None:
        """Fetch nothing more for this partition."""
        self._app.consumer.pause_partitions({TP(topic, partition) for topic in self._app.side.inputs})

    async def owned(self) -> bool:
        """True once the group has answered that this worker still is a member in the generation it knows."""
        return bool(await self._app.consumer.owned(self._app.tables.generation))
