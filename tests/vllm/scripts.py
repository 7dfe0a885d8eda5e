"""Scripts that need torch, in the Python that vLLM is installed for."""

from __future__ import annotations

import subprocess

from tests.vllm.engine import ROOT


def output_of(script: str, *arguments: str, timeout_s: float = 120) -> str:
    """What it prints; it has to end well."""
    python = ROOT / ".vllm" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
