"""What pydantic has to say about a key, in words for who wrote it: what is wrong, and what to do."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gateway.settings_document import KeyPath


def explained(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """What is wrong, and what to do as far as that is not said by it. Nothing of what was given is shown."""
    path = tuple(detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = known_keys(model, path[:-1])
        near = get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
        remedy = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"
        return "unknown key", remedy
    if detail["type"] == "missing":
        return "is required", f"add `{path[-1]}`"
    message = detail["msg"]
    remedy = "put it in quotes" if detail["type"] == "string_type" else ""
    return f"{message[0].lower()}{message[1:]}", remedy


def known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the section at `path`; none of what is no section."""
    section: Any = model
    for part in path:
        # An item of a list is of the list's own section, a value of a mapping of the mapping's.
        if isinstance(part, int) or part not in section.model_fields:
            continue
        annotation = section.model_fields[part].annotation
        section = next((one for one in _within(annotation) if hasattr(one, "model_fields")), None)
        if section is None:
            return []
    return list(section.model_fields)


def _within(annotation: Any) -> list[Any]:
    """A type and those that it is made of."""
    return [annotation, *(each for one in get_args(annotation) for each in _within(one))]
