"""Requests that no model of this project was trained on: `bench/held_out/`, filled in.

What it is: the reading of its files, and for each request the few tools that it comes with, the right one
among them. Two parts: the built-in tools in unseen wordings, and tools that are unseen themselves. Either
offers as many tools, so that their number tells nothing about the part. The order is by hash, so that the
first N are a fair sample of all.
What it is not: made by the generator of the training data, or by anything that knows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tools import builtin
from tools.spec import Annotations, ToolSpec

_HELD_OUT = Path(__file__).parent / "held_out"
_OFFERED = (4, 6)
_NO_TOOL = "none"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, the tools it comes with, and the call that is right; None where none is.

    A group is a phrasing: its requests differ in their values only, and go wrong together. `part` is
    `builtin` or `unseen`.
    """

    part: str
    group: str
    text: str
    tools: tuple[ToolSpec, ...]
    truth: dict[str, Any] | None


def requests() -> list[Asked]:
    """All of them, the same ones in the same order every time."""
    found = [*_part("builtin", builtin_tools()), *_part("unseen", unseen_tools())]
    return [asked for _, asked in sorted(found, key=lambda pair: _hash(pair[0]))]


def _part(part: str, tools: Iterable[ToolSpec]) -> Iterator[tuple[str, Asked]]:
    """The requests of a part, each with its id."""
    specs = {spec.name: spec for spec in tools}
    phrasings: dict[str, list[dict[str, Any]]] = _read(f"{part}_requests.yaml")
    for tool, each in phrasings.items():
        for number, phrasing in enumerate(each, 1):
            lang = "zh" if "zh" in phrasing else "en"
            group = f"{part}-{tool}-{lang}-{number:02}"
            for index, fill in enumerate(phrasing.get("with", [{}]), 1):
                key = f"{group}-{index}"
                text, arguments = _filled(phrasing[lang], fill)
                truth = None if tool == _NO_TOOL else {"name": tool, "arguments": arguments}
                offered = _offered(specs, tool, Random(key))  # the same for the same request
                yield key, Asked(part, group, text, offered, truth)


def builtin_tools() -> Iterator[ToolSpec]:
    """The seven tools that ship, which models were trained on."""
    for spec, _ in builtin.tools():
        yield spec


def unseen_tools() -> Iterator[ToolSpec]:
    """The sixteen tools that no model was trained on."""
    tools: list[dict[str, Any]] = _read("unseen_tools.yaml")
    for tool in tools:
        yield ToolSpec(
            name=tool["name"],
            description=tool["description"],
            parameters={
                "type": "object",
                "properties": tool["parameters"],
                "required": tool["required"],
                "additionalProperties": False,
            },
            annotations=Annotations(
                read_only=tool["effect"] == "read", destructive=tool["effect"] == "destroy"
            ),
        )


def calibrates(group: str) -> bool:
    """Whether a group is of the half to calibrate on; the other half is for telling alone.

    Not the hash by which fitting makes halves of its own: one of those would be empty.
    """
    return _hash(f"half of {group}") % 2 == 0


def _filled(phrasing: str, fill: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What is said, and the arguments that are meant: a list of two where they differ."""
    said: dict[str, Any] = {}
    meant: dict[str, Any] = {}
    for name, value in fill.items():
        said[name], meant[name] = value if isinstance(value, list) else (value, value)
    return phrasing.format_map(said), meant


def _offered(specs: dict[str, ToolSpec], right: str, dice: Random) -> tuple[ToolSpec, ...]:
    others = [spec for name, spec in specs.items() if name != right]
    own = [specs[right]] if right in specs else []
    offered = own + dice.sample(others, dice.randint(*_OFFERED) - len(own))
    dice.shuffle(offered)
    return tuple(offered)


def _read(name: str) -> Any:
    return yaml.safe_load((_HELD_OUT / name).read_text(encoding="utf-8"))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())
