"""`tools.isolate`: Python tools that run in processes of their own, whatever their authors asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section

_Globs = Annotated[tuple[str, ...], Field(min_length=1)]


class IsolationSettings(Section):
    """Bounds of some Python tools; of all that are for a tool, and of its own, the strictest counts."""

    tools: _Globs = ("*",)
    """Globs over the names of Python tools that are not built in; each but `*` has to match one."""
    exclude: tuple[str, ...] = ()
    """Globs like those of `tools`; these it is not for."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] | None = None
    """For one call, and its processor time, in seconds. Null: as the tool says."""
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    """Beyond what its module takes anyway. Null: as the tool says, or 512."""
    network: bool = False
    """Whether a call may reach the network; one that says for itself that it needs none still gets none."""
    env: tuple[str, ...] | None = None
    """Names of the environment variables that a call sees. Null: those that the tool says."""
    open_files: Annotated[int, Field(ge=16)] | None = None
    """At once. Null: as the tool says, or 64."""
    processes: Annotated[int, Field(ge=1)] | None = None
    """At once, threads among them. Null: as the tool says, or 128. A gateway that is root can't bound them."""
    result_bytes: Annotated[int, Field(ge=2)] | None = None
    """Of a result. Null: as the tool says, or 1,000,000."""
