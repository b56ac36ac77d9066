"""Promises of /openapi.json to generators of clients, which follow it to the letter."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.streams.app import app
from app.web import openapi
from app.web.site import WebServices, create_site

SAFE = 2**53
"""First integer that JavaScript cannot tell from its neighbour."""

OPERATIONS = {
    *("placeOrder", "shipOrder", "cancelOrder", "getOrder", "getOrders", "getOrderEvents", "getOrderSaga", "getOrderStream"),
    *("registerProduct", "receiveStock", "getProduct", "getProductEvents"),
    *("registerCustomer", "changeCustomer", "getCustomer", "getCustomerEvents"),
    *("getCommand", "getEvents", "getSagas", "actOnSaga"),
    *("getParked", "retryParked", "discardParked"),
    *("getTable", "getTableRows", "rebuildTable", "rollbackTable", "pauseTable"),
    *("getHealthz", "getReadyz", "getMetrics"),
}
"""Names of functions in generated clients. A renamed one breaks the programs that call it."""

Document = dict[str, Any]


def document() -> Document:
    """Return the document as a worker serves it. Its services are never opened."""
    import_module("app.worker")  # it declares the responses of the routes
    return create_site(app, WebServices.of(app, "http://here")).openapi()


@pytest.fixture(scope="module", name="document")
def _document() -> Document:
    return document()


def parts(node: object, path: str = "") -> Iterator[tuple[str, Document]]:
    """Yield all objects of the document with their paths, except those in examples."""
    if isinstance(node, dict):
        yield path, node
        for name, part in node.items():
            if name not in {"example", "examples"}:
                yield from parts(part, f"{path}/{name}")
    elif isinstance(node, list):
        for number, part in enumerate(node):
            yield from parts(part, f"{path}/{number}")


def operations(document: Document) -> list[Document]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def faults(document: Document) -> list[str]:
    """Return the validator's errors."""
    return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]


def of_32_bits(document: Document) -> list[str]:
    """Return the integers that generators would take for 32 bits, or whose bounds some languages cannot write."""
    integers = [(path, part) for path, part in parts(document) if part.get("type") == "integer"]
    assert len(integers) > 50
    return [path for path, part in integers if part.get("format") != "int64" or not all(map(_is_safe, _bounds(part)))]


def _bounds(part: Document) -> list[object]:
    return [part[name] for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "default") if name in part]


def _is_safe(bound: object) -> bool:
    return isinstance(bound, int) and abs(bound) < SAFE


def test_the_document_is_valid(document: Document) -> None:
    assert faults(document) == []


def test_every_integer_has_64_bits_and_bounds_that_every_language_can_write(document: Document) -> None:
    assert of_32_bits(document) == []


def test_no_number_is_another_than_an_integer(document: Document) -> None:
    assert [path for path, part in parts(document) if part.get("type") == "number"] == []


@pytest.mark.control
def test_without_correction_the_document_is_not_valid_and_its_integers_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "_correct", lambda _: None)
    uncorrected = document()

    assert faults(uncorrected) != []
    assert of_32_bits(uncorrected) != []


def test_a_default_is_a_value_of_its_type(document: Document) -> None:
    assert [path for path, part in parts(document) if part.get("default", 0) is None] == []


def test_all_errors_have_one_schema_and_name_their_codes(document: Document) -> None:
    errors = [answer for operation in operations(document) for status, answer in operation["responses"].items() if int(status) >= 400]

    assert {answer["content"]["application/problem+json"]["schema"]["$ref"] for answer in errors} == {"#/components/schemas/ProblemDetails"}
    assert all(code == example["value"]["code"] for answer in errors for code, example in answer["content"]["application/problem+json"]["examples"].items())


def test_operations_have_short_names_that_stay(document: Document) -> None:
    names = [operation["operationId"] for operation in operations(document)]

    assert len(names) == len(set(names))
    assert set(names) == OPERATIONS
