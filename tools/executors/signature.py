"""A function's type hints and docstring, read as a tool's parameters.

What it is: the JSON Schema of the arguments (pydantic writes it, its noise is taken out), the texts of a
Google-style docstring, and the two conversions between JSON and Python values.
What it is not: marking or running functions (`tools.executors.function`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticSchemaGenerationError,
    PydanticUserError,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticSerializationError, to_jsonable_python

from tools.errors import RegistrationError, ToolFailed
from tools.executor import CallContext
from tools.spec import JSONObject

_ARGS = re.compile(r"^\s*(?:Args|Arguments|Parameters):\s*$")
_SECTION = re.compile(r"^\s*(?:Returns?|Raises|Yields?|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function asks for. `context` is the name of its `CallContext` parameter, if it has one."""

    description: str
    parameters: JSONObject
    model: type[BaseModel]
    names: tuple[tuple[str, str], ...]
    context: str | None

    def bind(self, arguments: JSONObject, context: CallContext) -> dict[str, Any]:
        """Keyword arguments for the function, as the types of its hints; defaults are left to it.

        Raises `ToolFailed` for what the hints refuse and the schema can't say.
        """
        try:
            values = self.model.model_validate(arguments)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ToolFailed(f"{place}: {first['msg']}") from error
        given = values.model_fields_set
        bound = {name: getattr(values, field) for name, field in self.names if field in given}
        if self.context is not None:
            bound[self.context] = context
        return bound

    def dump(self, value: Any) -> Any:
        """A function's value as JSON data; what is none is left for the registry to refuse."""
        if value is None or isinstance(value, str | int | float):
            return cast("Any", value)
        try:
            return to_jsonable_python(value)
        except PydanticSerializationError:
            return value


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read a function. Raises `RegistrationError` for a parameter that JSON Schema can't describe."""
    where = getattr(function, "__qualname__", repr(function))
    description, texts = read_docstring(inspect.getdoc(function) or "")
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise RegistrationError(where, f"its type hints can't be read: {error}") from error
    fields: dict[str, Any] = {}
    names: list[tuple[str, str]] = []
    context: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise RegistrationError(
                f"{where}({name})", "only plain named parameters can be arguments"
            )
        if name not in hints:
            raise RegistrationError(f"{where}({name})", "has no type hint: add one")
        hint = hints[name]
        if hint is CallContext:
            context = name
            continue
        field = (
            f"arg{len(names)}"  # any name may be an argument, `json` and `_x` are no field names
        )
        names.append((name, field))
        fields[field] = _field(hint, name, parameter, texts.get(name))
    try:
        model = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
        raw = model.model_json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise RegistrationError(where, f"JSON Schema can't say its type hints: {error}") from error
    return Signature(description, _clean(raw), model, tuple(names), context)


def _field(hint: Any, name: str, parameter: inspect.Parameter, text: str | None) -> tuple[Any, Any]:
    if get_origin(hint) is Annotated:
        bare, *extras = get_args(hint)
        said = next((extra for extra in extras if isinstance(extra, str)), None)
        text = said or text
        extras = [extra for extra in extras if not isinstance(extra, str)]
        for extra in extras:
            bare = Annotated[bare, extra]
        hint = bare
    if parameter.default is parameter.empty:
        return hint, Field(alias=name, description=text)
    return hint, Field(alias=name, description=text, default=parameter.default)


def _clean(raw: JSONObject) -> JSONObject:
    """Take pydantic's schema without titles, in the order type, properties, required, the rest."""
    cleaned = cast("JSONObject", _without_titles(raw))
    ordered: JSONObject = {"type": "object", "properties": cleaned.get("properties", {})}
    if "required" in cleaned:
        ordered["required"] = cleaned["required"]
    ordered["additionalProperties"] = False
    if "$defs" in cleaned:
        ordered["$defs"] = cleaned["$defs"]
    return ordered


def _without_titles(node: Any, *, names: bool = False) -> Any:
    """`names`: the keys of `node` are properties, so one called `title` stays."""
    if isinstance(node, list):
        return [_without_titles(each) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    known = cast("JSONObject", node)
    kept = {key: value for key, value in known.items() if names or key != "title"}
    ordered = sorted(kept, key=lambda key: key != "type") if not names else list(kept)
    return {
        key: kept[key]
        if not names and key in ("default", "enum", "const", "examples")
        else _without_titles(kept[key], names=not names and key in ("properties", "$defs"))
        for key in ordered
    }


def read_docstring(doc: str) -> tuple[str, Mapping[str, str]]:
    """The text before the first section, on one line a paragraph, and the texts of `Args:`."""
    said: list[str] = []
    texts: dict[str, str] = {}
    current: tuple[str, int] | None = None
    section = ""
    for line in doc.splitlines():
        if _ARGS.match(line):
            section = "args"
        elif _SECTION.match(line):
            section = "other"
        elif not section:
            said.append(line.strip())
        elif section == "args" and line.strip():
            found = _ARGUMENT.match(line)
            indent = len(line) - len(line.lstrip())
            if found and (current is None or indent <= current[1]):
                current = (found[2], indent)
                texts[found[2]] = found[3].strip()
            elif current is not None:
                texts[current[0]] = f"{texts[current[0]]} {line.strip()}".strip()
    paragraphs = "\n".join(said).strip().split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs), texts
