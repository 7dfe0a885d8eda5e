"""What several backends that stand for one can do: what holds whichever of them answers."""

from __future__ import annotations

from collections.abc import Sequence

from routing.backend import ModelBackend, accepts_images, most_answers, tells_logprobs


class Together:
    """The properties of a backend made of others. Its name and model are the first one's."""

    def __init__(self, backends: Sequence[ModelBackend]) -> None:
        self._backends = backends

    @property
    def name(self) -> str:
        """The first one's."""
        return self._backends[0].name

    @property
    def model(self) -> str:
        """The first one's."""
        return self._backends[0].model

    @property
    def context_tokens(self) -> int:
        """What every one has."""
        return min(each.context_tokens for each in self._backends)

    @property
    def accepts_images(self) -> bool:
        """Whether every one does."""
        return all(map(accepts_images, self._backends))

    @property
    def tells_logprobs(self) -> bool:
        """Whether every one does."""
        return all(map(tells_logprobs, self._backends))

    @property
    def most_answers(self) -> int:
        """The most that any of them takes."""
        return max(map(most_answers, self._backends))
