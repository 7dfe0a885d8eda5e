"""Which errors a route can answer with, read out of the code of `gateway.api`: a walk over who calls whom.

What it finds are `ApiError`s, with their status and code, in the functions and methods that an endpoint
reaches by name; so a message that is made elsewhere, and what the table of `gateway.api.errors` translates, is
not among them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

_WITHIN = "gateway.api"
_METHODS = "__call__"
_NEAR = 4
"""Lines between a message and the error that takes it."""


@dataclass(frozen=True, order=True)
class Raised:
    """One error. `where` is the module that decides it; `message` has `…` where values stand."""

    code: str
    status: int
    kind: str
    message: str
    where: str


def raised_by(endpoint: Any) -> set[Raised]:
    """What an endpoint's function, or the class of a plain ASGI endpoint, reaches."""
    found: set[Raised] = set()
    seen: set[str] = set()
    waiting = [endpoint]
    while waiting:
        each = waiting.pop()
        name = f"{each.__module__}.{each.__qualname__}"
        if name not in seen and each.__module__.startswith(_WITHIN):
            seen.add(name)
            tree = _tree(each)
            found |= set(_raised(tree, each.__module__))
            waiting += _reached(tree, each)
    return found


def everywhere() -> set[Raised]:
    """Every `ApiError` of the surface."""
    import pkgutil

    import gateway.api

    found: set[Raised] = set()
    for module in pkgutil.walk_packages(gateway.api.__path__, f"{_WITHIN}."):
        source = inspect.getsource(importlib.import_module(module.name))
        found |= set(_raised(ast.parse(source), module.name))
    return found


@cache
def _tree(of: Any) -> ast.AST:
    import textwrap

    return ast.parse(textwrap.dedent(inspect.getsource(of)))


def _reached(tree: ast.AST, of: Any) -> list[Any]:
    """Functions and classes whose names stand in it, and methods of what is annotated in it."""
    module = importlib.import_module(of.__module__)
    found = [
        getattr(module, each.id, None) for each in ast.walk(tree) if isinstance(each, ast.Name)
    ]
    kinds = dict(_annotated(tree, module))
    for each in ast.walk(tree):
        match each:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if name in kinds:
                found.append(getattr(kinds[name], method, None))
            case _:
                pass
    reached = [each for each in found if isinstance(each, (FunctionType, type))]
    # of a class, what makes it and what serves it; its other methods are reached by their calls
    return [each for each in reached if hasattr(each, "__module__") and _is_ours(each)]


def _is_ours(each: Any) -> bool:
    if not each.__module__.startswith(_WITHIN):
        return False
    return not isinstance(each, type) or hasattr(each, _METHODS)


def _annotated(tree: ast.AST, module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Names of parameters and variables with the class that they are said to be."""
    for each in ast.walk(tree):
        match each:
            case ast.arg(arg=name, annotation=ast.Name(id=kind)):
                yield name, _class(getattr(module, kind, None))
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind)):
                yield name, _class(getattr(module, kind, None))
            case _:
                pass


def _class(annotation: Any) -> Any:
    """The class in `Annotated[Class, …]`, or itself."""
    return getattr(annotation, "__origin__", annotation)


def _raised(tree: ast.AST, where: str) -> Iterator[Raised]:
    for each in ast.walk(tree):
        match each:
            case ast.Call(
                func=ast.Name(id="ApiError"), args=[ast.Constant(value=int(status)), said, *_]
            ):
                more = {word.arg: word.value for word in each.keywords}
                code = _text(more.get("code"), "")
                kind = _text(more.get("kind"), _last_words(tree, each, more.get("kind")))
                told = _text(said, _last_words(tree, each, said))
                if code:
                    yield Raised(code, status, kind or "invalid_request_error", told, where)
            case _:
                pass


def _last_words(tree: ast.AST, call: ast.Call, said: ast.expr | None) -> str:
    """What a variable that a call hands over was set to before it, in the lines above."""
    match said:
        case ast.Name(id=name):
            pass
        case _:
            return ""
    before = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign)
        and isinstance(each.targets[0], ast.Name)
        and each.targets[0].id == name
        and call.lineno - _NEAR <= each.lineno <= call.lineno
    ]
    return _text(max(before, key=lambda each: each.lineno).value, "") if before else ""


def _text(said: ast.expr | None, otherwise: str) -> str:
    match said:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            told = (part.value if isinstance(part, ast.Constant) else "…" for part in parts)
            return "".join(map(str, told))
        case _:
            return otherwise
