"""The summaries last made, found again by what they summarise.

Apps that keep their conversation themselves send all of it each time. What was summarised once need not
be again, and where more has to go, the earlier summary is told in its place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from mistral_common.protocol.instruct.messages import ChatMessage

_KEPT = 256


class Summaries:
    """In memory only, by tenant; the least recently used goes first."""

    def __init__(self) -> None:
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    def find(self, tenant: str, messages: Sequence[ChatMessage]) -> tuple[int, str | None]:
        """How many of `messages`, from the first on, a known summary covers, and that summary."""
        best: tuple[int, bytes] | None = None
        for covered, key in enumerate(_keys(tenant, messages), 1):
            if key in self._texts:
                best = covered, key
        if best is None:
            return 0, None
        self._texts.move_to_end(best[1])
        return best[0], self._texts[best[1]]

    def keep(self, tenant: str, messages: Sequence[ChatMessage], text: str) -> None:
        """Remember a summary of `messages`, in place of those of its beginnings."""
        key = b""
        for key in _keys(tenant, messages):
            self._texts.pop(key, None)
        self._texts[key] = text
        while len(self._texts) > _KEPT:
            self._texts.popitem(last=False)


def _keys(tenant: str, messages: Sequence[ChatMessage]) -> Iterator[bytes]:
    """A key for each beginning of `messages`; each reads its last message only."""
    digest = blake2b(tenant.encode("utf-8", "surrogatepass"), digest_size=16)
    for message in messages:
        told = f"\0{message.role} {message.model_dump_json()}"
        digest.update(told.encode("utf-8", "surrogatepass"))
        yield digest.copy().digest()
