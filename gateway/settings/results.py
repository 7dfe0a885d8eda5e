"""`tools.results`: how much of what tools bring a model is shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section


class ResultSettings(Section):
    """How much of what tools bring a model is shown; what is longer is kept and read on in."""

    tokens: Annotated[int, Field(ge=256, le=1_000_000)] = 6_000
    """Of one result, at most 20,000 characters; a tool's own `result_tokens` come first."""
    run_tokens: Annotated[int, Field(ge=1_024, le=10_000_000)] | None = None
    """Of all results of a run; from then on each is cut to its beginning. Null: half of the
    intermediary's window."""
