"""What the rules over content, flow and time take in YAML, typed: one model a rule."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from policies.filters.known import KNOWN
from policies.filters.listed import pattern
from policies.filters.listed import words as listed_words
from policies.filters.sieve import Detector
from policies.rules.filter import Action, Filter, Place
from policies.rules.hours import DAYS
from policies.rules.rate import Per
from policies.rules.taint import CHANGING
from policies.rules.unasked import DELETING
from tools.spec import Effect


class RuleSettings(BaseModel):
    """Frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TaintSettings(RuleSettings):
    """`taint`: see `policies.rules.taint.Taint`."""

    tools: tuple[str, ...] = ("*",)
    effects: tuple[Effect, ...] = CHANGING
    open_world: bool | None = None
    arguments: tuple[str, ...] = ("*",)
    trusted: tuple[str, ...] = ()
    when: Literal["flow", "read"] = "flow"
    then: Literal["approval", "deny"] = "approval"


Some = Annotated[str, Field(min_length=1, max_length=1_000)]


class UnaskedSettings(RuleSettings):
    """`unasked`: see `policies.rules.unasked.Unasked`."""

    tools: tuple[str, ...] = ("*",)
    effects: tuple[Effect, ...] = (Effect.DESTROY,)
    words: Annotated[tuple[Some, ...], Field(min_length=1)] = DELETING
    then: Literal["approval", "deny"] = "approval"


Count = Annotated[int, Field(gt=0)] | None


class RateLimitSettings(RuleSettings):
    """`rate_limit`: see `policies.rules.rate.RateLimit`."""

    per: Per = "key"
    every_s: Annotated[float, Field(gt=0, le=31_622_400)] = 60.0
    requests: Count = None
    calls: Count = None
    tokens: Count = None
    cost_usd: Annotated[float, Field(gt=0)] | None = None
    tools: tuple[str, ...] = ("*",)
    each_tool: bool = False

    @model_validator(mode="after")
    def _limits_something(self) -> RateLimitSettings:
        if not (self.requests or self.calls or self.tokens or self.cost_usd):
            raise ValueError("say what is limited: requests, calls, tokens or cost_usd")
        return self


class QuietHoursSettings(RuleSettings):
    """`quiet_hours`: see `policies.rules.hours.QuietHours`. Times in quotes: `start: "22:00"`."""

    start: time
    end: time
    timezone: str = "UTC"
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = DAYS
    roles: tuple[str, ...] = ("*",)

    @field_validator("start", "end", mode="before")
    @classmethod
    def _as_clocks_show_it(cls, value: object) -> object:
        # YAML reads an unquoted 22:00 as 1320, to the base of 60
        if not isinstance(value, str | time):
            raise ValueError('a time in quotes, such as "22:00"')  # noqa: TRY004 - pydantic wants it
        return value

    @field_validator("timezone", mode="after")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"no time zone {name!r}") from error
        return name


class AllowedModelsSettings(RuleSettings):
    """`allowed_models`: see `policies.rules.models.AllowedModels`."""

    models: tuple[Literal["gateway", "intermediary", "expert"], ...]
    roles: tuple[str, ...] = ("*",)


class CallSizeSettings(RuleSettings):
    """`call_size`: see `policies.rules.size.CallSize`."""

    characters: Annotated[int, Field(gt=0)] = 100_000


Known = Literal["email", "phone", "card", "iban", "cn_id", "secrets"]


class FilterSettings(RuleSettings):
    """`filter`: see `policies.rules.filter.Filter`. `words_file` has a word a line, relative to the rules."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")] = "filter"
    find: tuple[Known, ...] = ()
    words: tuple[Some, ...] = ()
    words_file: Path | None = None
    patterns: tuple[Some, ...] = ()
    at: Annotated[tuple[Place, ...], Field(min_length=1)]
    action: Action
    mask: Annotated[str, Field(max_length=200)] = "[{kind}]"

    @field_validator("words_file", mode="after")
    @classmethod
    def _beside_the_rules(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        base = cast("dict[str, Path | None]", info.context or {}).get("base")
        return file if file is None or base is None else base / file

    @model_validator(mode="after")
    def _makes_sense(self) -> FilterSettings:
        if not (self.find or self.words or self.words_file or self.patterns):
            raise ValueError("say what to look for: find, words, words_file or patterns")
        if self.action == "hold" and "output" in self.at:
            raise ValueError("an answer can't be held: use block at output, or hold at call")
        return self


def build_filter(
    *,
    name: str,
    find: tuple[Known, ...],
    words: tuple[str, ...],
    words_file: Path | None,
    patterns: tuple[str, ...],
    at: tuple[Place, ...],
    action: Action,
    mask: str,
) -> Filter:
    """The rule of these settings. Raises `BadList`, and `OSError` for a file that can't be read."""
    detectors: list[Detector] = [each for kind in find for each in KNOWN[kind]]
    listed = list(words)
    if words_file is not None:
        lines = words_file.read_text(encoding="utf-8").splitlines()
        listed += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if listed:
        plain = listed_words(listed)
        detectors += [plain, plain.taken_apart()]
    detectors += [pattern(each) for each in patterns]
    return Filter(detectors, action, at, mask, name)
