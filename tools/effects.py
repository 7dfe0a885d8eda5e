"""What a tool that changes something declares beside its schema: how to look, and what it changes."""

from __future__ import annotations

import re
from typing import Any, cast

from tools.errors import RegistrationError
from tools.spec import Effect, ToolSpec
from tools.wording import show

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_declared_effect(spec: ToolSpec, where: str) -> None:
    """Raises `RegistrationError` for a `read_back` or `resource` that can't be meant."""
    for name, declared in (("read_back", spec.read_back), ("resource", spec.resource)):
        if declared is not None and spec.effect is Effect.READ:
            raise RegistrationError(
                f"{where}.{name}", "a read-only tool changes nothing: leave it out"
            )
    known = cast("dict[str, Any]", spec.parameters.get("properties") or {})
    for name in _PLACEHOLDER.findall(spec.resource or ""):
        if name not in known:
            raise RegistrationError(f"{where}.resource", f"there is no argument {show(name)}")
    if spec.read_back is None:
        return
    for name, reference in spec.read_back.arguments.items():
        if not isinstance(reference, str) or not reference.startswith("$."):
            continue
        if reference[2:] not in known:
            raise RegistrationError(
                f"{where}.read_back.arguments.{name}", f"there is no argument {show(reference[2:])}"
            )
