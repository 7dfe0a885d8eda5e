"""Whether what a target enforces accepts the same arguments as the schema, tried on instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.errors import RegistrationError
from tools.instances import Instances
from tools.schema import compile_schema
from tools.spec import JSONObject


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the instances are judged alike, and those that are not.

    `wider` are accepted by the target alone, `narrower` by the schema alone.
    """

    alike: int
    wider: tuple[JSONObject, ...] = ()
    narrower: tuple[JSONObject, ...] = ()


def agreement(instances: Instances, enforced: Mapping[str, Any]) -> Agreement | None:
    """None where `enforced` is no schema that can be tried."""
    try:
        target = compile_schema(enforced, "$")
    except RegistrationError:
        return None
    narrower = tuple(each for each in instances.accepted if target.check(each) is not None)
    wider = tuple(each for each in instances.rejected if target.check(each) is None)
    tried = len(instances.accepted) + len(instances.rejected)
    return Agreement(tried - len(narrower) - len(wider), wider, narrower)
