"""Check for Schemathesis, which imports this module: a problem's code is one of those documented for its answer."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response


@schemathesis.check
def documented_code(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check a problem's code against the examples, because all problems share one schema.

    Methods that the operation does not describe, which Schemathesis tries too, are ignored.
    """
    if case.method.upper() != case.operation.method.upper():
        return
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {}).get("content", {})
    problems = described.get("application/problem+json")
    if problems is not None:
        assert response.json()["code"] in problems["examples"]
