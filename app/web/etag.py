"""ETags: the version of what is shown, in quotes; behind a point that of who ordered it (RFC 9110, section 8.8.3)."""

import re

from fastapi import Request

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def matches(request: Request, tag: str) -> bool:
    """True if the client has what bears this tag: If-None-Match compares weakly."""
    known = request.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in _TAG.findall(known))


def version(if_match: str) -> int:
    """The version of the aggregate that an ETag stands for."""
    return int(if_match.strip().strip('"').partition(".")[0])
