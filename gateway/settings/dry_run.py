"""`tools.dry_run`: calls that are told and not made, whoever asks."""

from __future__ import annotations

from gateway.settings.section import Section
from tools.dry_run import DryCalls


class DryRunSettings(Section):
    """Calls that are checked, allowed and counted, and then told instead of made, in every run."""

    calls: DryCalls = "none"
    """`writes`: those that are not read-only; `all`: reads too. A request may ask for more, not for less."""
    tools: tuple[str, ...] = ()
    """Names of tools whose calls are never made; `*` is allowed."""
