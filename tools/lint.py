"""What a model will trip over in a tool's definition, and a grade for its author.

What it is: advice on definitions that registration accepts: descriptions that are missing, values that are
told in prose and could be listed, values of any kind, depth, size, and names and descriptions too close to
another tool's.
What it is not: a refusal, which is registration's (`tools.schema`), or a measurement with a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Any, Literal

from tools.near import near_names, normalised
from tools.retrieval.index import ToolIndex
from tools.retrieval.terms import terms
from tools.schema_document import SchemaDocument
from tools.spec import ToolSpec
from tools.wording import show

Grade = Literal["A", "B", "C", "D", "E"]

_GRADES: tuple[tuple[int, Grade], ...] = ((5, "A"), (20, "B"), (40, "C"), (60, "D"))
_MOST_OF_A_KIND = 30
_FEWEST_WORDS = 3
_MOST_PARAMETERS = 12
_MOST_DEPTH = 3
_MOST_TOKENS = 1_000
_CHARACTERS_PER_TOKEN = 3
_CLOSE_NAMES = 0.9
_CLOSE_TEXTS = 0.8
_LISTED = re.compile(
    r"\b(?:one of|either|allowed values?|possible values?|options(?: are)?:)|"
    r"""(['"])[^'"]{1,40}\1(?:,\s*|\s+or\s+|,\s*or\s+)['"]""",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\b(?:e\.?g\.?|such as|for example|for instance|like)\b", re.IGNORECASE)
_CHOICE = re.compile(
    r"(?:^|_)(?:mode|status|priority|severity|direction|visibility|frequency|sort_order|order_by)$"
)
_TELLS_ABSENCE = re.compile(
    r"\b(?:default|optional|omit|absent|unless|otherwise|left out|if not|when not|without)",
    re.IGNORECASE,
)
_BOUND = ("enum", "const", "pattern", "format")
_KIND = (
    "type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf", "properties", "items", "not", "if",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A piece of advice. `where` is a JSON path into the definition, `kind` what it is about.

    `weight` is what it takes from the grade.
    """

    kind: str
    where: str
    advice: str
    weight: int


class Linter:
    """Looks at definitions beside all the others of a registry."""

    def __init__(self, specs: Sequence[ToolSpec], index: ToolIndex | None = None) -> None:
        """`index` has the same tools, where there is one already."""
        self._specs = {spec.name: spec for spec in specs}
        self._index = index or ToolIndex(specs)

    def findings(self, spec: ToolSpec, tokens: int | None = None) -> tuple[Finding, ...]:
        """Everything that could be better, the tool as a whole first.

        `tokens` is what the definition takes by the model's tokenizer; it is guessed without. Raises
        `RegistrationError` for a schema that registration refuses too.
        """
        return (*_whole(spec, tokens), *self._neighbours(spec), *_parameters(spec))

    def _neighbours(self, spec: ToolSpec) -> Iterator[Finding]:
        others = [name for name in self._specs if name != spec.name]
        for name in near_names(spec.name, others):
            alike = SequenceMatcher(None, normalised(name), normalised(spec.name)).ratio()
            if alike >= _CLOSE_NAMES:
                advice = f"is close to {show(name)}: let the names tell what differs"
                yield Finding("close_name", "$.name", advice, 10)
        own = frozenset(terms(spec.description))
        if len(own) < _FEWEST_WORDS:
            return
        ranked = (name for name in self._index.ranked(spec.description) if name != spec.name)
        for name in islice(ranked, 5):
            if name not in self._specs:
                continue  # registered since
            theirs = frozenset(terms(self._specs[name].description))
            if len(own & theirs) >= _CLOSE_TEXTS * len(own | theirs):
                advice = f"says nearly the same as that of {show(name)}: say when to use which"
                yield Finding("close_description", "$.description", advice, 15)


def grade(findings: Sequence[Finding]) -> Grade:
    """A: nothing to do, to E: models will use it wrongly. Many findings of one kind count once or twice."""
    taken: dict[str, int] = {}
    for each in findings:
        taken[each.kind] = min(taken.get(each.kind, 0) + each.weight, _MOST_OF_A_KIND)
    total = sum(taken.values())
    for most, named in _GRADES:
        if total <= most:
            return named
    return "E"


def _whole(spec: ToolSpec, tokens: int | None) -> Iterator[Finding]:
    words = len(spec.description.split())
    if not words:
        yield Finding("no_description", "$.description", "say what it does and when to use it", 30)
    elif words < _FEWEST_WORDS and spec.description.isascii():
        advice = "is too short to choose by: say what it does and when to use it"
        yield Finding("short_description", "$.description", advice, 10)
    about = "" if tokens is not None else "about "
    if tokens is None:
        tokens = len(json.dumps(dict(spec.parameters))) // _CHARACTERS_PER_TOKEN
    if tokens > _MOST_TOKENS:
        advice = f"takes {about}{tokens} tokens of every request: shorten texts or split the tool"
        yield Finding("size", "$.parameters", advice, 10)
    count = len(spec.parameters.get("properties", ()))
    if count > _MOST_PARAMETERS:
        advice = f"has {count} parameters: split the tool, or leave out what is rarely needed"
        yield Finding("many_parameters", "$.parameters", advice, 10)


def _parameters(spec: ToolSpec) -> Iterator[Finding]:
    document = SchemaDocument(dict(spec.parameters))
    required = spec.parameters.get("required", ())
    for pointer, node in document.subschemas.items():
        steps = pointer.split("/")
        if len(steps) < 3 or steps[-2] != "properties" or not isinstance(node, Mapping):
            continue
        where = document.path(pointer)
        yield from _parameter(where, steps[-1], node)
        may_be_absent = len(steps) == 3 and steps[-1] not in required and "default" not in node
        if may_be_absent and not _TELLS_ABSENCE.search(str(node.get("description", ""))):
            advice = "may be absent: say what then holds, or give a default"
            yield Finding("ambiguous_optional", where, advice, 3)
        if steps.count("properties") > _MOST_DEPTH:
            advice = f"is more than {_MOST_DEPTH} objects deep: flatten it"
            yield Finding("depth", where, advice, 10)


def _parameter(where: str, name: str, node: Mapping[str, Any]) -> Iterator[Finding]:
    text = str(node.get("description", ""))
    if not text and "$ref" not in node:
        yield Finding(
            "undescribed", where, "has no description: say what is meant, and its unit", 5
        )
    if not any(keyword in node for keyword in _KIND):
        yield Finding("any_value", where, "takes any value: give its type", 8)
    kind = node.get("type")
    if kind == "string" and not any(keyword in node for keyword in _BOUND):
        if _LISTED.search(text) and not _EXAMPLE.search(text):
            advice = "tells its values in prose: list them as an enum"
            yield Finding("values_in_prose", where, advice, 10)
        elif _CHOICE.search(name):
            advice = "is any text, and its name speaks of a choice: list the values as an enum"
            yield Finding("open_choice", where, advice, 3)
    elif kind == "array" and "items" not in node and "prefixItems" not in node:
        yield Finding("any_items", where, "takes any items: describe them", 8)
    elif kind == "object" and not any(
        keyword in node for keyword in ("properties", "additionalProperties", "patternProperties")
    ):
        yield Finding("any_object", where, "takes any object: name its properties", 8)
