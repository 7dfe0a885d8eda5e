"""Tools that installed packages offer as entry points, in the group `gateway.tools`.

Only those that the operator names are loaded: an entry point is code that runs when it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType, SimpleNamespace

from gateway.compose.error import CompositionError
from gateway.compose.isolation import Isolating
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.function import collect
from tools.registry import Registry
from tools.spec import ToolSpec

GROUP = "gateway.tools"


def register_entry_points(
    registry: Registry, wanted: Sequence[str], isolating: Isolating
) -> list[str]:
    """Gives their tools' names. Raises `CompositionError` for a name that matches nothing, and for what can't be loaded."""
    offered = sorted(entry_points(group=GROUP), key=lambda each: each.name) if wanted else []
    for name in wanted:
        if not any(fnmatchcase(each.name, name) for each in offered):
            there = ", ".join(each.name for each in offered) or "none"
            raise CompositionError(
                f"tools.entry_points: no installed package offers {name} in {GROUP}",
                f"offered: {there}",
            )
    own: list[str] = []
    for each in offered:
        if any(fnmatchcase(each.name, name) for name in wanted):
            try:
                for pair in _tools_of(each):
                    spec, executor = isolating.apply(*pair)
                    registry.register(spec, executor)
                    own.append(spec.name)
            except RegistrationError as error:
                raise CompositionError(f"tools.entry_points: {each.name}: {error}") from error
    return own


def _tools_of(offered: EntryPoint) -> list[tuple[ToolSpec, Executor]]:
    """Those of a module, or the one function."""
    try:
        found = offered.load()
    except (ImportError, AttributeError) as error:
        raise CompositionError(
            f"tools.entry_points: {offered.name}: {offered.value} can't be loaded: {error}",
            "install the package anew, or remove the name",
        ) from error
    pairs = collect(found if isinstance(found, ModuleType) else SimpleNamespace(function=found))
    if not pairs:
        raise CompositionError(
            f"tools.entry_points: {offered.name}: {offered.value} has no function marked with @tool",
            "from tools.executors.function import tool",
        )
    return pairs
