"""Consistency tokens: a write returns one, and a read that sends it sees at least that write (contract, section 4). Opaque outside of this file."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from app.web.http.problems import Problem


class ConsistencyToken(NamedTuple):
    """Version of an aggregate."""

    aggregate_type: str
    aggregate_id: str
    version: int

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.aggregate_type} {self.aggregate_id} {self.version}".encode()).decode().rstrip("=")


def parse(text: str) -> ConsistencyToken:
    """Parse the token in a header. Raise a Problem if it is not a token of ours."""
    try:
        kind, identity, version = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        return ConsistencyToken(kind, identity, int(version))
    except (ValueError, binascii.Error) as error:
        raise Problem(400, "token-not-applicable", "Consistency-Token is none that a write gave: send the header of the write's answer as it came") from error
