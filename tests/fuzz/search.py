"""Searches for bytes that hurt a target, with atheris: `scripts/fuzz [NAME [SECONDS]]`.

libFuzzer ends with the bytes in a file when a target raises, takes longer than ten seconds over one input,
or the process takes more than 2 GB. What it learns is kept in `var/fuzz/NAME`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main(name: str, seconds: str) -> None:
    """Search one target for so long. Ends the process."""
    atheris: Any = import_module("atheris")  # ships no types
    with atheris.instrument_imports(include=["gateway", "tools", "routing", "policies"]):
        targets: Any = import_module("tests.fuzz.targets")
    corpus = Path("var/fuzz") / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(targets.SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=20000", f"-max_total_time={seconds}"]
    found = f"-artifact_prefix={corpus.parent}/found-{name}-"
    atheris.Setup(
        [sys.argv[0], *limits, found, "-print_final_stats=1", str(corpus)], targets.TARGETS[name]
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
