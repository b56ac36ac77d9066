"""For Schemathesis, which imports it: the code of a problem is one of those that its answer is described with."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response


@schemathesis.check
def documented_code(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """All problems have one schema, so the codes are looked up in the examples. Schemathesis tries methods, too, that an operation does not describe."""
    if case.method.upper() != case.operation.method.upper():
        return
    described = case.operation.definition.raw["responses"].get(str(response.status_code), {}).get("content", {})
    problems = described.get("application/problem+json")
    if problems is not None:
        assert response.json()["code"] in problems["examples"]
