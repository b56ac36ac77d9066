"""ETags: the version of what is shown, in quotes; behind a point that of who ordered it (RFC 9110, section 8.8.3)."""

import re

from fastapi import Request

from app.web.http.problems import Problem

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_VERSION = re.compile(r"(?<![0-9.])[0-9]+")
"""The first number of each tag."""


def matches(request: Request, tag: str) -> bool:
    """True if the client has what bears this tag: If-None-Match compares weakly."""
    known = request.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in _TAG.findall(known))


def expected(if_match: str) -> int | None:
    """The version that an aggregate must have for one of these ETags to be its own; None for `*`, any. A Problem where they stand for several versions.

    A proxy that compresses makes an ETag weak. It still names the version, and no more than that is compared.
    """
    versions = {int(version) for version in _VERSION.findall(if_match)}
    if len(versions) > 1:
        raise Problem(422, "invalid", "header.if-match: name one version: a command can expect only one")
    return versions.pop() if versions else None
