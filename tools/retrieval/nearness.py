"""How near definitions are to a request in meaning, by an embedding model: beside the words, never instead.

What it is: vectors of definitions and of requests, each asked for once and kept by the hash of its text.
`know` is called behind the requests, `prepare` before a ranking, within its deadline; `scores` gives what
there is by then. As long as one definition has no vector, there is nothing: a ranking by halves would
change from request to request. While the model fails it is left alone for some seconds.
What it is not: the ranking (`index`), or the way to a model (`openai_embeddings`).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from tools.retrieval.fields import described
from tools.retrieval.index import sentences
from tools.spec import ToolSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Why = Literal["unavailable", "timeout", "warming"]
"""Why words alone ranked: no answer, none in time, definitions that have no vector yet."""

_BATCH = 64
_BATCH_S = 120.0
_PAUSE_S = 5.0
_MOST_REQUESTS = 2_048
_MOST_CHARACTERS = 2_000
"""Of a text: small models read no more. Of a model that refuses such a text less, down to `_LEAST_CHARACTERS`."""
_LEAST_CHARACTERS = 100
_MOST_SENTENCES = 8
_SENTENCE_WEIGHT = 2.0
"""As in the ranking by words: of several wishes, the one that a tool is nearest to counts."""
_log = logging.getLogger(__name__)


class EmbeddingsUnavailable(Exception):
    """The model can't be asked, or its answer is none."""


class EmbeddingsRefused(EmbeddingsUnavailable):
    """The model takes other texts, but not these: one is too long, or they are too many at once."""


class Embedder(Protocol):
    """Texts as vectors, all of one length. Raises `EmbeddingsUnavailable`."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


class Nearness:
    """For one event loop. `deadline_s` bounds what a request waits; `without` hears why one got nothing."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        deadline_s: float = 1.0,
        request_prefix: str = "",
        tool_prefix: str = "",
        without: Callable[[Why], object] = lambda _: None,
    ) -> None:
        self._embedder = embedder
        self._deadline_s = deadline_s
        self._request_prefix = request_prefix
        self._tool_prefix = tool_prefix
        self._without = without
        self._requests: OrderedDict[str, Floats] = OrderedDict()
        self._tools: dict[str, Floats] = {}
        self._matrix: tuple[tuple[ToolSpec | None, ...], Floats | None] = ((), None)
        self._whole = False
        self._most = _MOST_CHARACTERS
        self._again_at = 0.0
        self._failing = False

    async def know(self, specs: Sequence[ToolSpec]) -> None:
        """Have a vector of each definition. Raises `EmbeddingsUnavailable`; what came by then is kept."""
        texts = {self._key(spec): self._text(spec) for spec in specs}
        missing = [key for key in texts if key not in self._tools]
        self._whole = not missing
        for start in range(0, len(missing), _BATCH):
            keys = missing[start : start + _BATCH]
            vectors = await self._ask([texts[key] for key in keys], _BATCH_S)
            self._tools.update(zip(keys, vectors, strict=True))
        self._tools = {key: self._tools[key] for key in texts}
        self._whole = True

    async def prepare(self, text: str) -> None:
        """Have the vectors of a request and of its sentences, if the model gives them in time."""
        text = text[:_MOST_CHARACTERS]
        import numpy as np

        if not text.strip():
            return
        if (key := _digest(text)) in self._requests:
            self._requests.move_to_end(key)
        elif not self._whole:
            self._without("warming")
        elif time.monotonic() < self._again_at:
            self._without("unavailable")
        else:
            wishes = [self._request_prefix + each for each in _wishes(text)]
            try:
                self._requests[key] = np.stack(await self._ask(wishes, self._deadline_s))
            except EmbeddingsUnavailable as error:
                why: Why = "timeout" if isinstance(error.__cause__, TimeoutError) else "unavailable"
                self._without(why)
            if len(self._requests) > _MOST_REQUESTS:
                self._requests.popitem(last=False)

    def scores(self, text: str, specs: Sequence[ToolSpec | None]) -> Floats | None:
        """How near each definition is to a prepared request, lowest where there is none; or None."""
        wishes = self._requests.get(_digest(text[:_MOST_CHARACTERS]))
        if wishes is None or (matrix := self._matrix_of(tuple(specs))) is None:
            return None
        if matrix.shape[1] != wishes.shape[1]:
            return None
        import numpy as np

        # Engines round a little differently from batch to batch; the order should not.
        near = matrix @ wishes.T
        best = _SENTENCE_WEIGHT * near[:, 1:].max(axis=1) if len(wishes) > 1 else 0.0
        return np.round(near[:, 0] + best, 4)

    def _matrix_of(self, specs: tuple[ToolSpec | None, ...]) -> Floats | None:
        if self._matrix[1] is not None and self._matrix[0] == specs:
            return self._matrix[1]
        import numpy as np

        found = [None if each is None else self._tools.get(self._key(each)) for each in specs]
        some = next((each for each in found if each is not None), None)
        pairs = zip(specs, found, strict=True)
        if some is None or any(spec is not None and each is None for spec, each in pairs):
            return None
        none = np.full_like(some, -1.0)
        matrix = np.stack([none if each is None else each for each in found])
        self._matrix = specs, matrix
        return matrix

    async def _ask(self, texts: Sequence[str], deadline_s: float) -> list[Floats]:
        try:
            async with asyncio.timeout(deadline_s):
                vectors = _unit(await self._embedded(texts))
        except (EmbeddingsUnavailable, TimeoutError) as error:
            self._again_at = time.monotonic() + _PAUSE_S
            told = str(error) or f"no answer within {deadline_s:g} s"
            if not self._failing:
                _log.warning("tools are chosen by their words alone: embeddings: %s", told)
            self._failing = True
            if isinstance(error, EmbeddingsUnavailable):
                raise
            raise EmbeddingsUnavailable(told) from error
        if self._failing:
            _log.warning("embeddings are there again")
        self._failing = False
        return vectors

    async def _embedded(self, texts: Sequence[str]) -> list[Sequence[float]]:
        """Of texts that are refused together each half, of one alone less; how much is learnt from that."""
        try:
            return list(await self._embedder.embed([text[: self._most] for text in texts]))
        except EmbeddingsRefused:
            if len(texts) > 1:
                half = len(texts) // 2
                return [*await self._embedded(texts[:half]), *await self._embedded(texts[half:])]
            length = min(len(texts[0]), self._most)
            if length <= _LEAST_CHARACTERS:
                raise
            self._most = max(length // 2, _LEAST_CHARACTERS)
            return await self._embedded(texts)

    def _text(self, spec: ToolSpec) -> str:
        return self._tool_prefix + described(spec)[:_MOST_CHARACTERS]

    def _key(self, spec: ToolSpec) -> str:
        return _digest(self._text(spec))


def _wishes(text: str) -> list[str]:
    """The text, and where it has several sentences each of them."""
    parts = [each.strip() for each in sentences(text) if len(each.split()) > 1]
    return [text, *parts[:_MOST_SENTENCES]] if len(parts) > 1 else [text]


def _unit(vectors: Sequence[Sequence[float]]) -> list[Floats]:
    """Each at length one. Raises `EmbeddingsUnavailable` for what has no direction."""
    import numpy as np

    try:
        rows = np.asarray(vectors, np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    except (ValueError, TypeError) as error:
        raise EmbeddingsUnavailable("the vectors differ in length, or are none") from error
    if rows.ndim != 2 or not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise EmbeddingsUnavailable("a vector without direction")
    return list(rows / lengths)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
