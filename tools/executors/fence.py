"""Bounds that an operator sets on Python tools, whatever their authors asked for; the stricter holds.

What it is: a tool's executor made into one that runs each call in a process of its own (`isolated`), or an
isolated one narrowed. What it is not: which bounds are for which tool; that is the settings' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.errors import RegistrationError
from tools.executor import Executor
from tools.executors.function import FunctionExecutor
from tools.executors.isolated import IsolatedExecutor, isolated
from tools.executors.isolation import Isolation
from tools.spec import ToolSpec


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a tool may have at most; None leaves it to the tool, and to `Isolation` where it says nothing.

    `timeout_s` is for one attempt, in seconds. `env` are names of environment variables.
    """

    timeout_s: float | None = None
    memory_mb: int | None = None
    network: bool = False
    env: tuple[str, ...] | None = None
    open_files: int | None = None
    processes: int | None = None
    result_bytes: int | None = None


def fenced(
    spec: ToolSpec, executor: Executor, bounds: Sequence[Bounds]
) -> tuple[ToolSpec, Executor]:
    """The tool within all of `bounds`; as it was where there are none.

    Raises `RegistrationError` for one that can't be isolated: by its making, or on this machine.
    """
    if not bounds:
        return spec, executor
    if isinstance(executor, FunctionExecutor):
        function, asked = executor.function, None
    elif isinstance(executor, IsolatedExecutor):
        function, asked = executor.function, executor.isolation
    else:
        raise RegistrationError(
            "$.isolated", f"only functions can be isolated, this is a {type(executor).__name__}"
        )
    timeout_s = min(spec.timeout_s, *(each.timeout_s or spec.timeout_s for each in bounds))
    bounded = narrowed(asked, bounds)
    spec = replace(spec, timeout_s=timeout_s, isolation=bounded)
    return spec, isolated(function, bounded, timeout_s)


def narrowed(asked: Isolation | None, bounds: Sequence[Bounds]) -> Isolation:
    """What a tool gets that asked for this (None: for no isolation), as the strictest of `bounds` has it."""
    usual = asked or Isolation()
    env = usual.env if asked else None
    for each in bounds:
        if each.env is not None:
            env = each.env if env is None else tuple(name for name in env if name in each.env)
    return Isolation(
        _least(asked and asked.memory_mb, [each.memory_mb for each in bounds], usual.memory_mb),
        all(each.network for each in bounds) and (asked is None or asked.network),
        env or (),
        _least(asked and asked.open_files, [each.open_files for each in bounds], usual.open_files),
        _least(
            asked and asked.result_bytes,
            [each.result_bytes for each in bounds],
            usual.result_bytes,
        ),
        _least(asked and asked.processes, [each.processes for each in bounds], usual.processes),
    )


def _least(asked: int | None, bounds: Sequence[int | None], usual: int) -> int:
    """The smallest that anyone said, what is usual where nobody did."""
    said = [each for each in (asked, *bounds) if each is not None]
    return min(said, default=usual)
