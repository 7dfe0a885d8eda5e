"""Rules from YAML: a list, each item one rule's name and its settings.

    rules:
      - tool_access: {deny: ["delete_*"]}
      - approval: {effects: [destroy]}

Unknown rules and settings are refused with their place. `policies/default.yaml` is what applies where
an operator says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from policies.errors import PolicyError
from policies.filters.listed import BadList
from policies.policy import Policies, Policy
from policies.rules.access import ToolAccess
from policies.rules.approval import Approval
from policies.rules.hours import QuietHours
from policies.rules.models import AllowedModels
from policies.rules.rate import RateLimit
from policies.rules.settings import (
    AllowedModelsSettings,
    CallSizeSettings,
    FilterSettings,
    QuietHoursSettings,
    RateLimitSettings,
    TaintSettings,
    UnaskedSettings,
    build_filter,
)
from policies.rules.size import CallSize, RequestSize
from policies.rules.taint import Taint
from policies.rules.unasked import Unasked
from tools.spec import Effect

DEFAULT = Path(__file__).with_name("default.yaml")
DEFAULT_CEDAR = Path(__file__).with_name("default.cedar")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ToolAccess(_Strict):
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()


class _Approval(_Strict):
    effects: tuple[Effect, ...] = ()
    tools: tuple[str, ...] = ()


class _RequestSize(_Strict):
    messages: Annotated[int, Field(gt=0)] = 2_000
    characters: Annotated[int, Field(gt=0)] = 1_000_000


class _Document(_Strict):
    rules: list[dict[str, Any]] | None


_RULES: Mapping[str, tuple[type[BaseModel], Callable[..., Policy]]] = {
    "tool_access": (_ToolAccess, ToolAccess),
    "approval": (_Approval, Approval),
    "request_size": (_RequestSize, RequestSize),
    "taint": (TaintSettings, Taint),
    "unasked": (UnaskedSettings, Unasked),
    "filter": (FilterSettings, build_filter),
    "rate_limit": (RateLimitSettings, RateLimit),
    "quiet_hours": (QuietHoursSettings, QuietHours),
    "allowed_models": (AllowedModelsSettings, AllowedModels),
    "call_size": (CallSizeSettings, CallSize),
}


def load(path: Path = DEFAULT) -> Policies:
    """The rules of a file. Raises `PolicyError`."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PolicyError(str(path), "no such file") from None
    except yaml.YAMLError as error:
        raise PolicyError(str(path), f"not YAML: {error}") from None
    return parse(document, str(path), path.parent)


def parse(document: object, source: str = "policies", base: Path | None = None) -> Policies:
    """The rules of a parsed document: `{"rules": [{name: settings}, …]}`. Raises `PolicyError`.

    Files that rules name are looked for in `base`.
    """
    if document is None:
        return Policies()
    try:
        rules = _Document.model_validate(document).rules or []
    except ValidationError as error:
        raise PolicyError(*_first(error, source)) from None
    return Policies([_rule(item, f"{source}: rules[{at}]", base) for at, item in enumerate(rules)])


def _rule(item: dict[str, Any], where: str, base: Path | None) -> Policy:
    if len(item) != 1:
        raise PolicyError(where, "expected one rule's name with its settings")
    name, settings = next(iter(item.items()))
    if name not in _RULES:
        raise PolicyError(where, f"no rule '{name}'; there are {', '.join(_RULES)}")
    model, rule = _RULES[name]
    try:
        return rule(**dict(model.model_validate(settings or {}, context={"base": base})))
    except ValidationError as error:
        raise PolicyError(*_first(error, f"{where}.{name}")) from None
    except (BadList, OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{where}.{name}", str(error)) from None


def _first(error: ValidationError, where: str) -> tuple[str, str]:
    """Place and message of the first of pydantic's complaints."""
    first = error.errors()[0]
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    return where + "".join(parts), first["msg"]
