"""Runs, or their calls, into files for other programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.cli.exits import CommandError, Exit

_AT_ONCE = 500


def call_rows(runs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row for each call, refused ones too; `arguments` is JSON text."""
    for run in runs:
        for step in run["trace"]["steps"]:
            common = {
                "run_id": run["id"],
                "created_at": run["created_at"],
                "step": step["step"],
                "role": step["role"],
                "model": step["model"],
            }
            for call in step["calls"]:
                result: dict[str, Any] = call["result"] or {}
                yield {
                    **common,
                    "call_id": call["id"],
                    "name": call["name"],
                    "arguments": _json(call["arguments"]),
                    "effect": call["effect"],
                    "repairs": len(call["repairs"]),
                    "outcome": result.get("failure") or ("ok" if result else "none"),
                    "elapsed_s": result.get("elapsed_s"),
                    "content": result.get("content"),
                }
            for refusal in step["refused"]:
                yield {
                    **common,
                    "call_id": refusal["id"],
                    "name": refusal["name"],
                    "arguments": refusal["arguments"] or "",
                    "effect": None,
                    "repairs": 0,
                    "outcome": f"refused: {refusal['problem'] or 'policy'}",
                    "elapsed_s": None,
                    "content": refusal["reason"],
                }


def write_jsonl(file: Path, rows: Iterable[dict[str, Any]]) -> int:
    """A JSON object a line; gives how many."""
    written = 0
    with ExitStack() as stack:
        out = sys.stdout if str(file) == "-" else stack.enter_context(_opened(file))
        for row in rows:
            out.write(_json(row) + "\n")
            written += 1
    return written


def write_parquet(file: Path, rows: Iterable[dict[str, Any]], kind: str) -> int:
    """A table, `trace` as JSON text; gives how many rows."""
    if find_spec("pyarrow") is None:
        raise CommandError(
            "Parquet needs the package pyarrow, which is not installed",
            "uv sync --locked --inexact --extra parquet, or --format jsonl",
            code=Exit.USAGE,
        )
    pa: Any = import_module("pyarrow")  # a package without types
    parquet: Any = import_module("pyarrow.parquet")
    schema = pa.schema(_columns(pa)[kind])
    written = 0
    left = iter(rows)
    try:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while portion := [_flat(row) for row in islice(left, _AT_ONCE)]:
                writer.write_table(pa.Table.from_pylist(portion, schema=schema))
                written += len(portion)
    except OSError as error:
        raise _unwritable(file, error) from error
    return written


def _columns(pa: Any) -> dict[str, list[tuple[str, Any]]]:
    text, number, whole = pa.string(), pa.float64(), pa.int64()
    return {
        "runs": [
            *((name, text) for name in ("id", "status", "model", "question", "error")),
            *((name, number) for name in ("created_at", "finished_at", "elapsed_s", "cost_usd")),
            *((name, whole) for name in ("turns", "calls", "failed_calls", "escalations")),
            ("total_tokens", whole),
            ("tools", pa.list_(text)),
            ("trace", text),
        ],
        "calls": [
            ("run_id", text),
            ("created_at", number),
            ("step", whole),
            *((name, text) for name in ("role", "model", "call_id", "name", "arguments", "effect")),
            ("repairs", whole),
            ("outcome", text),
            ("elapsed_s", number),
            ("content", text),
        ],
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """What columns of text take: JSON for objects, no lone surrogates."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _opened(file: Path) -> Any:
    try:
        return file.open("w", encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> CommandError:
    return CommandError(f"{file} can't be written: {error.strerror or error}", code=Exit.USAGE)
