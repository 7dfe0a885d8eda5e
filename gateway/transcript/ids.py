"""Call ids: whatever the client says outside, nine alphanumerics inside, a bijection per request.

An id that already has the model's form stays as it is. Any other is mapped by a digest of the whole
id, so that the same conversation renders to the same tokens in the next request (a prefix cache can
be hit), and two ids that end alike stay apart.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable

_MODEL_FORM = re.compile(r"[a-zA-Z0-9]{9}")
_ALPHABET = string.digits + string.ascii_letters


def is_model_id(text: str) -> bool:
    """Whether the whole of `text` is nine ASCII alphanumerics; a newline behind them is not."""
    return _MODEL_FORM.fullmatch(text) is not None


def _digest(client_id: str, attempt: int) -> str:
    seed = f"{attempt}:{client_id}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest())
    letters: list[str] = []
    for _ in range(9):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)


class CallIds:
    """The bijection of one request. Built from every id in it, so that order does not matter."""

    def __init__(self, client_ids: Iterable[str] = ()) -> None:
        ids = dict.fromkeys(client_ids)
        self._inward = {each: each for each in ids if is_model_id(each)}
        taken = set(self._inward)
        for each in ids:
            if each in self._inward:
                continue
            attempt = 0
            while (mapped := _digest(each, attempt)) in taken:
                attempt += 1
            taken.add(mapped)
            self._inward[each] = mapped
        self._outward = {inner: outer for outer, inner in self._inward.items()}

    def inward(self, client_id: str) -> str:
        """The model's id for one of this request's client ids."""
        return self._inward[client_id]

    def outward(self, model_id: str) -> str:
        """The client's id; an id that the run has made itself goes out as it is."""
        return self._outward.get(model_id, model_id)

    def __contains__(self, model_id: str) -> bool:
        """Whether the model's id stands for one of the client's."""
        return model_id in self._outward
