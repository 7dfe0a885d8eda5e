"""Ranking tools by their meaning, where an embedding model is configured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from gateway.settings import Settings
from tools.registry import Registry


class Ranking(NamedTuple):
    """What has to run as long as the application does, and what is closed at its end."""

    background: tuple[AbstractAsyncContextManager[object], ...] = ()
    closers: tuple[Callable[[], Awaitable[object]], ...] = ()


def rank_by_meaning(
    settings: Settings, registry: Registry, without: Callable[[str], object]
) -> Ranking:
    """The registry's index also asks the model from now on; `without` hears when it gave nothing."""
    wanted = settings.tools.retrieval.embeddings
    if wanted is None:
        return Ranking()
    from tools.retrieval.keeping import KeptNear
    from tools.retrieval.nearness import Nearness
    from tools.retrieval.openai_embeddings import OpenAIEmbedder

    key = wanted.api_key.get_secret_value() if wanted.api_key else None
    embedder = OpenAIEmbedder(str(wanted.base_url), wanted.model, key)
    nearness = Nearness(
        embedder,
        deadline_s=wanted.deadline_s,
        request_prefix=wanted.request_prefix,
        tool_prefix=wanted.tool_prefix,
        without=without,
    )
    registry.index.nearness = nearness
    return Ranking((KeptNear(registry, nearness),), (embedder.aclose,))
