"""`policies`: where the operator keeps the rules."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.section import Section


class PoliciesSettings(Section):
    """The operator's rules over requests, calls, results and answers."""

    file: Path | None = None
    """YAML with a list of `rules`; null: policies/default.yaml, which allows every registered tool."""
    cedar: Path | None = None
    """Cedar policies, a file or a folder of `*.cedar`, read again when they change; null: policies/default.cedar."""
