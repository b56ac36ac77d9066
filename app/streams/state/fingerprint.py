"""Fingerprint of how rows follow from events. It changes when the outcome may change, not when code is laid out or commented differently."""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any


def fingerprint(functions: Iterable[Callable[..., Any]], shapes: Iterable[object]) -> str:
    """Compute a fingerprint of 16 hex digits.

    It covers these functions, all that they reach in their modules, and `shapes` (JSON schemas of their inputs and rows).
    """
    parts = [*(code for function in functions for code in _reached(function)), *(repr(_bare(shape)) for shape in shapes)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _reached(function: Callable[..., Any]) -> Iterator[str]:
    """Yield the syntax trees, without docstrings, of a function and of all definitions that it reaches within its module."""
    defined = _definitions(inspect.getmodule(function))
    found, waiting = set[str](), [function.__name__]
    while waiting:
        name = waiting.pop()
        if name not in found and name in defined:
            found.add(name)
            waiting += [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
    yield from (ast.dump(_undocumented(defined[name])) for name in sorted(found))


@cache
def _definitions(module: object) -> dict[str, ast.stmt]:
    """Return the definitions at the top of a module, by name."""
    defined: dict[str, ast.stmt] = {}
    for statement in ast.parse(inspect.getsource(module)).body:  # type: ignore[arg-type]  # a function has a module
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                defined[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                defined[name] = statement
            case _:
                pass
    return defined


def _undocumented(statement: ast.stmt) -> ast.stmt:
    for node in ast.walk(statement):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            node.body = [inner for inner in node.body if not _is_text(inner)]
    return statement


def _bare(shape: object) -> object:
    """Return a schema without its descriptions."""
    match shape:
        case dict():
            return {name: _bare(inner) for name, inner in shape.items() if name not in {"description", "title"}}
        case list() | tuple():
            return [_bare(inner) for inner in shape]
        case _:
            return shape


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
