"""The JSON Schema of a manifest, for editors: generated from the entries' models."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from gateway.manifests.entries import Entry, HttpEntry
from gateway.settings.section import describe

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """What one document of a file may be: an entry, or a list of them."""
    describe()
    adapter: TypeAdapter[Entry] = TypeAdapter(Entry)
    made = adapter.json_schema()
    kinds, definitions = made["anyOf"], made["$defs"]
    properties = definitions[HttpEntry.__name__]["properties"]
    # Editors complete the keywords of a tool's own schemas too.
    properties["parameters"] |= {"$ref": _DIALECT}
    properties["returns"]["anyOf"][0] |= {"$ref": _DIALECT}
    definitions["Entry"] = {"anyOf": kinds}
    entry = {"$ref": "#/$defs/Entry"}
    return {
        "$schema": _DIALECT,
        "title": "manifest of tools",
        "anyOf": [entry, {"type": "array", "items": entry}],
        "$defs": definitions,
    }
