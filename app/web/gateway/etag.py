"""ETags: the version of the resource in quotes, for orders followed by a point and the customer's version (RFC 9110, section 8.8.3)."""

import re

from fastapi import Request

from app.web.http.problems import Problem

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_VERSION = re.compile(r"(?<![0-9.])[0-9]+")
"""First number of each tag."""


def matches(request: Request, tag: str) -> bool:
    """Return True if the client already has the resource with this tag. If-None-Match compares weakly."""
    known = request.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in _TAG.findall(known))


def expected(if_match: str) -> int | None:
    """Return the aggregate version that an If-Match header requires, or None for `*`. Raise a Problem if its ETags name several versions.

    A proxy that compresses makes an ETag weak. The ETag still names the version, and only the version is compared.
    """
    versions = {int(version) for version in _VERSION.findall(if_match)}
    if len(versions) > 1:
        raise Problem(422, "invalid", "header.if-match: name one version: a command can expect only one")
    return versions.pop() if versions else None
