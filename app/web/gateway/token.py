"""Consistency tokens: what a write gives, so that a read can ask to see at least that (contract, section 4). Opaque outside of this file."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from app.web.http.problems import Problem


class ConsistencyToken(NamedTuple):
    """An aggregate at a version."""

    aggregate_type: str
    aggregate_id: str
    version: int

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.aggregate_type} {self.aggregate_id} {self.version}".encode()).decode().rstrip("=")


def parse(text: str) -> ConsistencyToken:
    """The token in a header; a Problem when it is none of ours."""
    try:
        kind, identity, version = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        return ConsistencyToken(kind, identity, int(version))
    except (ValueError, binascii.Error) as error:
        raise Problem(400, "token-not-applicable", "Consistency-Token is none that a write gave: send the header of the write's answer as it came") from error
