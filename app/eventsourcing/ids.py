"""Deterministic ids: the same decision gives the same ids."""

from hashlib import blake2b


def event_id(aggregate_type: str, aggregate_id: str, command_id: str, index: int, order_id: str | None = None) -> str:
    """Derive an event id of 32 hex digits. No part can contain the separator, so different parts never give the same text.

    `order_id` is the order that the command names, if it names one. Command ids are remembered for each order, so one id used for two orders is two commands.
    """
    parts = f"{aggregate_type}\0{aggregate_id}\0{command_id}\0{index}"
    return blake2b((parts if order_id is None else f"{parts}\0{order_id}").encode(), digest_size=16).hexdigest()


def command_id(*parts: str) -> str:
    """Derive an id of 32 hex digits for a command that follows from these parts. None of them contains the separator."""
    return blake2b("\0".join(("command", *parts)).encode(), digest_size=16).hexdigest()
