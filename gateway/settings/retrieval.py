"""`tools.retrieval`: which tools are offered where there are many."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.settings.section import Section


class RetrievalSettings(Section):
    """Which tools a model is shown where there are more than it can choose from."""

    above: Annotated[int, Field(ge=1)] | None = 64
    """Where a caller may use more tools than this, those that fit the request are chosen; null: never."""
    most: Annotated[int, Field(ge=1, le=128)] = 20
    """How many are chosen; the model finds others with `find_tools`."""
    pinned: tuple[str, ...] = ()
    """Names of tools that are offered in any case, beyond `most`."""
