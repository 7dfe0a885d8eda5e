"""A tool's report as JSON, for the REST surface and the command alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gateway.tool_report import Target, ToolReport
from tools.agreement import Agreement

_MOST_EXAMPLES = 3


def as_data(report: ToolReport) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "object": "tool.report",
        "name": report.spec.name,
        "version": report.spec.version,
        "grade": report.grade,
        "findings": [asdict(each) for each in report.findings],
        "isolation": report.spec.isolation and asdict(report.spec.isolation),
        "tokens": [asdict(each) for each in report.costs],
        "targets": [_target(each) for each in report.targets],
    }


def _target(target: Target) -> dict[str, Any]:
    compiled = target.compiled
    return {
        "target": compiled.target,
        "not_enforced": list(compiled.wider),
        "never_generated": list(compiled.narrower),
        "refused": list(compiled.refused),
        "tried": None if target.tried is None else _tried(target.tried),
    }


def _tried(tried: Agreement) -> dict[str, Any]:
    return {
        "alike": tried.alike,
        "wider": len(tried.wider),
        "narrower": len(tried.narrower),
        "examples": {
            "wider": list(tried.wider[:_MOST_EXAMPLES]),
            "narrower": list(tried.narrower[:_MOST_EXAMPLES]),
        },
    }
