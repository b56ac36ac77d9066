"""A fingerprint of code: changes when what it does changes, not when it is laid out or commented differently."""

import ast
import hashlib
import inspect
from collections.abc import Iterable
from types import ModuleType


def fingerprint(modules: Iterable[ModuleType | None]) -> str:
    """Of the modules' syntax trees without docstrings, 16 hex digits."""
    return hashlib.sha256("\n".join(_essence(module) for module in modules if module).encode()).hexdigest()[:16]


def _essence(module: ModuleType) -> str:
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
