"""All targets, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.targets.draft7 import compile_draft7
from routing.targets.llguidance import compile_llguidance
from routing.targets.strict import compile_strict
from routing.targets.target import Compiled
from routing.targets.xgrammar import compile_xgrammar

_COMPILERS = (compile_llguidance, compile_xgrammar, compile_strict, compile_draft7)


def compile_targets(schema: Mapping[str, Any]) -> tuple[Compiled, ...]:
    """`schema`, which registration has accepted, for each target."""
    return tuple(compiler(schema) for compiler in _COMPILERS)
