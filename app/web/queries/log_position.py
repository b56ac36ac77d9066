"""Position of a client that pages through the events of one type, opaque outside of this file (contract, section 4)."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple, Self

from app.web.http.problems import Problem


class LogPosition(NamedTuple):
    """Next offset in each partition of the type's log, and the partition whose turn it is."""

    event_type: str
    turn: int
    offsets: tuple[int, ...]

    def __str__(self) -> str:
        offsets = ",".join(map(str, self.offsets))
        return urlsafe_b64encode(f"{self.event_type} {self.turn} {offsets}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, event_type: str, partitions: int) -> Self:
        """Parse the position in a request for events of this type. Raise a Problem if it is malformed or of another type."""
        try:
            kind, turn, offsets = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").split(" ")
            position = cls(kind, int(turn), tuple(map(int, offsets.split(","))))
        except (ValueError, binascii.Error) as error:
            raise malformed() from error
        if (position.event_type, len(position.offsets)) != (event_type, partitions) or not 0 <= position.turn < partitions:
            raise malformed()
        return position


def malformed() -> Problem:
    """Return the Problem for a position that cannot be continued from."""
    return Problem(422, "invalid", "position is none that `next` gave for events of this type: leave it out to begin at the first event")
