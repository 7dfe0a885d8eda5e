"""xgrammar as vLLM has it, asked in vLLM's own environment (`scripts/vllm install`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.schema_targets.spelling import spelled

PYTHON = Path(__file__).parents[2] / ".vllm" / "bin" / "python"
_WORKER = Path(__file__).with_name("xgrammar_worker.py")
_TIMEOUT_S = 300

Verdicts = list[bool] | str
"""One for each of the arguments, or why the schema is not taken."""


def verdicts(asked: Sequence[tuple[dict[str, Any], Sequence[Any]]]) -> list[Verdicts]:
    """For each schema with its arguments. Importing xgrammar brings torch: twenty seconds."""
    lines = [
        json.dumps(
            {"schema": json.dumps(schema), "texts": [spelled(a, compact=True) for a in all_]}
        )
        for schema, all_ in asked
    ]
    done = subprocess.run(
        [str(PYTHON), "-P", str(_WORKER)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
