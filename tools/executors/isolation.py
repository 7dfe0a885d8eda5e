"""How far a Python tool is kept from the gateway: what it may take, reach and see.

@tool(isolated=Isolation(memory_mb=256, network=False))
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Isolation:
    """Bounds of each call.

    `memory_mb` is what it may take beyond what its module takes anyway. `env` are the names of the
    environment variables that it sees; all others it does not. Its result has at most `result_bytes`.
    `processes` are those that it runs at once, threads among them; a gateway that is root can't bound them.
    """

    memory_mb: int = 512
    network: bool = False
    env: tuple[str, ...] = ()
    open_files: int = 64
    result_bytes: int = 1_000_000
    processes: int = 128
