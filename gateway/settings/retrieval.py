"""`tools.retrieval`: which tools are offered where there are many."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from gateway.settings.section import Section
from gateway.settings.urls import ShownUrl


class EmbeddingSettings(Section):
    """An embedding model behind an OpenAI-compatible endpoint, whose ranking counts beside that by words."""

    base_url: ShownUrl
    """Where it listens, with `/v1`: vLLM, llama.cpp's server, LiteLLM's proxy, a provider."""
    model: Annotated[str, Field(min_length=1)]
    """The name that it is served under."""
    api_key: SecretStr | None = None
    """Sent as a bearer token; never logged or shown. Empty counts as none."""
    deadline_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """How long a request waits for its vector, in seconds; then words alone rank."""
    request_prefix: str = ""
    """What the model wants before requests, such as `query: `."""
    tool_prefix: str = ""
    """What the model wants before what is found, such as `passage: `."""


class RetrievalSettings(Section):
    """Which tools a model is shown where there are more than it can choose from."""

    above: Annotated[int, Field(ge=1)] | None = 64
    """Where a caller may use more tools than this, those that fit the request are chosen; null: never."""
    most: Annotated[int, Field(ge=1, le=128)] = 20
    """How many are chosen; the model finds others with `find_tools`."""
    pinned: tuple[str, ...] = ()
    """Names of tools that are offered in any case, beyond `most`."""
    embeddings: EmbeddingSettings | None = None
    """Null: words alone rank, and nothing leaves the process."""
