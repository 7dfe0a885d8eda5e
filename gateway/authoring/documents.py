"""A tool's history as a document of the store, and back.

    {current, last, aliases, canary: {version, share} | null,
     versions: [{number, hash, deprecated, registration}]}      no versions: it was taken away

A version's hash is what it was when it was registered, also where a later gateway would reckon another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.errors import RegistrationError
from tools.spec import JSONObject
from tools.toolset import Entry
from tools.versions import Canary, History, Version


def written(history: History) -> dict[str, Any]:
    """The document. Every version has to come from an author."""
    canary = history.canary
    return {
        "current": history.current,
        "last": history.last,
        "aliases": dict(history.aliases),
        "canary": canary and {"version": canary.version, "share": canary.share},
        "versions": [
            {
                "number": each.number,
                "hash": each.digest,
                "deprecated": each.deprecated,
                "registration": each.document,
            }
            for each in history.versions.values()
        ],
    }


def removed(last: int) -> dict[str, Any]:
    """The document of a tool that is gone."""
    return {"last": last, "versions": []}


def read(
    name: str,
    document: dict[str, Any],
    known: History | None,
    compiled: Callable[[JSONObject], Entry],
) -> History:
    """The history; what `known` has already is not compiled again.

    Raises `RegistrationError` for what this gateway can't have.
    """
    held = () if known is None else known.versions.values()
    entries = {each.digest: each.entry for each in held}
    versions: dict[int, Version] = {}
    try:
        for each in document["versions"]:
            number, digest, registration = each["number"], each["hash"], each["registration"]
            entry = entries.get(digest) or compiled(registration)
            spec = replace(entry.spec, version=number, digest=digest)
            versions[number] = Version(replace(entry, spec=spec), registration, each["deprecated"])
        canary = document["canary"]
        found = History(
            name,
            versions,
            document["current"],
            document["aliases"],
            canary and Canary(canary["version"], canary["share"]),
            document["last"],
        )
        found.find(str(found.current))
    except (KeyError, TypeError) as error:
        raise RegistrationError("$", f"was written by another version: {error!r}") from error
    return found
