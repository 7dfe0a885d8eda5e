"""`privacy`: what is hidden from the expert."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from gateway.settings.section import Section
from policies.filters.listed import BadList, pattern, words
from policies.rules.settings import Known

_Some = Annotated[str, Field(min_length=1, max_length=1_000)]


class PrivacySettings(Section):
    """Placeholders in place of what is private, in every turn of the expert. See docs/privacy.md."""

    enabled: bool = False
    """Hide what is found, and the fields that tools mark with `x-sensitive`; false: the expert reads everything."""
    find: tuple[Known, ...] = ("email", "phone", "card", "iban", "cn_id", "secrets")
    """What has a known form, as filters find it (docs/filters.md)."""
    words: tuple[_Some, ...] = ()
    """Words of any script, such as names of projects."""
    patterns: tuple[_Some, ...] = ()
    """RE2 patterns."""

    @field_validator("words", mode="after")
    @classmethod
    def _listable(cls, listed: tuple[str, ...]) -> tuple[str, ...]:
        try:
            if listed:
                words(listed)
        except BadList as error:
            raise PydanticCustomError("bad_word", "{why}", {"why": str(error)}) from None
        return listed

    @field_validator("patterns", mode="after")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for each in patterns:
            try:
                pattern(each)
            except BadList as error:
                raise PydanticCustomError("bad_pattern", "{why}", {"why": str(error)}) from None
        return patterns
