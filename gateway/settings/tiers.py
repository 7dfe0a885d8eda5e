"""`tiers` and `priorities`: two tiers of engines for the intermediary, and who may go first."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.settings.models import ModelSettings
from gateway.settings.section import Seconds, Section
from routing.priority import Priority

_Turns = Annotated[int, Field(ge=1, le=100_000)]
_Share = Annotated[float, Field(gt=0, le=1)]
_Name = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-zA-Z0-9_-]+$")]
_Globs = Annotated[tuple[str, ...], Field(min_length=1)]


class OverflowSettings(Section):
    """The tier that takes over what can wait."""

    name: _Name = "cpu"
    """In answers, runs and metrics."""
    model: ModelSettings
    """The same model on other engines, at a price of its own: a GGUF file, or any OpenAI-compatible endpoint."""
    turns: _Turns | None = None
    """At once; further ones wait by priority. Null: as many as llamacpp has slots, elsewhere any number."""
    most_waiting: Annotated[int, Field(ge=0)] | None = None
    """Where so many wait, it takes no more. Null: as many as `turns`."""


class TiersSettings(Section):
    """Where turns of low priority go when the engines of `models.intermediary` are loaded. See docs/tiers.md."""

    name: _Name = "gpu"
    """Of the tier of `models.intermediary`."""
    turns: _Turns | None = None
    """It takes at once from this process; further ones wait by priority. Null: any number."""
    overflow: OverflowSettings | None = None
    """Null: there are no tiers."""
    full: _Share = 0.8
    """It counts as full from this share of its KV cache, or of `turns`."""
    room: _Share = 0.6
    """It has room again below this share."""
    queue_s: Seconds = 1.0
    """It counts as full, too, when turns wait so long in its queue, in seconds."""
    queue_room_s: Seconds = 0.25
    """It has room again below this wait."""
    dwell_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Between two changes lies so long at least, in seconds."""
    read_every_s: Annotated[float, Field(ge=0.05, le=60)] = 1.0
    """How often engines' metrics are read, in seconds, and how long one reading may take."""
    stale_s: Seconds = 5.0
    """An older reading counts for nothing."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.room > self.full or self.queue_room_s > self.queue_s:
            raise PydanticCustomError(
                "no_hysteresis",
                "`room` may not be above `full`, nor `queue_room_s` above `queue_s`",
            )
        if self.stale_s <= self.read_every_s:
            raise PydanticCustomError(
                "always_stale", "`stale_s` has to be longer than `read_every_s`"
            )
        if self.overflow is not None and self.overflow.name == self.name:
            raise PydanticCustomError("same_name", "the two tiers need names that differ")
        return self


class PrioritySettings(Section):
    """How urgent somebody's requests may be; the first that is for somebody counts."""

    most: Priority = "high"
    """What is asked beyond this is granted as this."""
    default: Priority = "normal"
    """Of requests that do not say."""
    tenants: _Globs = ("*",)
    """Whom it is for, by globs."""
    keys: _Globs = ("*",)
    """The same by the public ids of keys."""
