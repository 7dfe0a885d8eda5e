"""Calling a function of a module from an order, in the process that is there for it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any

from tools.errors import ToolFailed
from tools.executor import CallContext
from tools.executors.signature import Signature, read_signature


def runner(module: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Imports the module; gives what carries out orders for its functions."""
    imported = import_module(module)
    known: dict[str, Signature] = {}

    def run(order: dict[str, Any]) -> dict[str, Any]:
        function: Any = reduce(getattr, order["function"].split("."), imported)
        signature = known.get(order["function"]) or read_signature(function)
        try:
            bound = signature.bind(order["arguments"], CallContext(**order["context"]))
            value = function(**bound)
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            return {"value": signature.dump(value)}
        except ToolFailed as failed:
            return {"failed": str(failed)}

    return run


async def _awaited(value: Any) -> Any:
    return await value
