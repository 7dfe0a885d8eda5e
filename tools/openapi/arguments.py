"""Everything that an operation takes as one object of arguments, with the way back.

What it is: the schema that models are shown and a `Part` for every argument. Names that are no words
(`filter[status]`, `$top`) are spelled plainly; a name that is wanted in several places gets the place
behind it in each (`id_path`, `id_body`), so that every argument has one way and every way one argument.
What it is not: encoding (`tools.executors.openapi`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from tools.executors.openapi import BodyTemplate, Part
from tools.openapi.bodies import Body
from tools.openapi.dialect import Dialect
from tools.openapi.parameters import Parameter

MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class Arguments:
    """`schema` is JSON Schema 2020-12; `parts` are those of path, query and headers."""

    schema: dict[str, Any]
    parts: tuple[Part, ...]
    body: BodyTemplate | None


def merge(parameters: Sequence[Parameter], body: Body | None, dialect: Dialect) -> Arguments:
    """One object of parameters and body. Raises `RegistrationError` for a schema that can't be read."""
    fields: Sequence[Parameter] = ()
    if body is not None:
        fields = (body.whole,) if body.whole is not None else body.fields or ()
    every = [*parameters, *fields]
    names = _names(every)
    properties = {
        name: _described(dialect.convert(each.schema), each.description)
        for name, each in zip(names, every, strict=True)
    }
    required = [name for name, each in zip(names, every, strict=True) if each.required]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    schema["additionalProperties"] = False
    parts = tuple(
        Part(name, each.name, each.place, each.spelling)
        for name, each in zip(names, every, strict=True)
    )
    count = len(parameters)
    return Arguments(dialect.finish(schema), parts[:count], _template(body, parts[count:]))


def _template(body: Body | None, parts: tuple[Part, ...]) -> BodyTemplate | None:
    if body is None:
        return None
    if body.whole is not None:
        return BodyTemplate(body.media_type, (), parts[0].argument, body.required)
    return BodyTemplate(body.media_type, parts, None, body.required)


def _described(schema: Any, description: str) -> Any:
    """A parameter's own description goes before that of its type."""
    if not description or not isinstance(schema, dict):
        return schema
    return {**cast("dict[str, Any]", schema), "description": description}


def _names(every: Sequence[Parameter]) -> list[str]:
    plain = [_plain(each.name) for each in every]
    wanted = Counter(plain)
    taken = {name for name in plain if wanted[name] == 1}
    names: list[str] = []
    for name, each in zip(plain, every, strict=True):
        if wanted[name] == 1:
            names.append(name)
            continue
        stem = free = f"{name[: MAX_NAME - 12]}_{each.place}"
        number = 1
        while free in taken:
            number += 1
            free = f"{stem}_{number}"
        taken.add(free)
        names.append(free)
    return names


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:MAX_NAME] or "argument"
