r"""Calls that can't be invalid: a grammar in llguidance's Lark dialect, from the tools of a turn.

What it is: Mistral V3's native spelling, `[TOOL_CALLS][{"name": "x", "arguments": {…}}, …]`, where
`[TOOL_CALLS]` is the control token itself and each tool's arguments obey its schema. The model stays
free to talk instead. It is passed to vLLM as `structured_outputs: {"grammar": …}`.
What it is not: proof. `unsupported` names what a schema asks for and the grammar can't; the gateway
validates every call all the same.

Spaces stand where mistral-common puts them (`", "`, `": "`), so that a trained model is not forced into
a spelling it never saw, and a weak one can't pad with blanks for ever. JSON's `\u` escapes are left out:
text comes as text, and half a surrogate pair can't be written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import orjson
from mistral_common.protocol.instruct.tool_calls import Tool

from routing.backend import NamedTool, ToolChoice
from routing.grammar.subset import expressible
from routing.spelling import LIST_SPELLING, CallSpelling

_dump: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

CALLS_TOKEN_ID = LIST_SPELLING.calls
"""`[TOOL_CALLS]` in every V3-Tekken vocabulary."""

_SPELLING = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": 'nrbtf\\"',
    "lenient": True,
}
"""`lenient` is for keywords of later drafts: ignored instead of refused."""

_TEXT = r"(/(.|\n)+/)+"

_Answer = Literal["text", "calls", "either"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """`text` for the engine; `unsupported` as `tool: $.path.to.keyword`, in the tools' order."""

    text: str
    unsupported: tuple[str, ...] = ()


def lark_grammar(
    tools: Sequence[Tool],
    *,
    choice: ToolChoice = "auto",
    max_calls: int = 16,
    output_schema: Mapping[str, Any] | None = None,
    spelling: CallSpelling = LIST_SPELLING,
) -> Grammar:
    """The grammar for one turn. Kept by content, so asking again each turn is cheap.

    `choice` none leaves text only, required and named leave calls only (a named tool once).
    `spelling` is the tokenizer version's.
    """
    offered = tuple([(tool.function.name, _key(tool.function.parameters)) for tool in tools])
    answer: _Answer = "either"
    if isinstance(choice, NamedTool):
        offered = tuple(tool for tool in offered if tool[0] == choice.name)
        answer, max_calls = "calls", 1
    elif choice == "required":
        answer = "calls"
    if choice == "none" or not offered:
        offered, answer = (), "text"
    schema = None if output_schema is None else _key(output_schema)
    return _grammar(offered, answer, max_calls, schema, spelling)


def _key(value: Any) -> bytes:
    """JSON that the same schema is found again by; asked of every tool in every turn."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer that orjson does not know, or half a surrogate pair
        return json.dumps(value).encode()


@lru_cache(maxsize=256)
def _grammar(
    offered: tuple[tuple[str, bytes], ...],
    answer: _Answer,
    max_calls: int,
    output_schema: bytes | None,
    spelling: CallSpelling,
) -> Grammar:
    unsupported: list[str] = []
    content = _TEXT
    if output_schema is not None:
        schema, left_out = expressible(json.loads(output_schema), answers=True)
        content = f"%json {_dump({**schema, 'x-guidance': _SPELLING})}"
        unsupported += [f"output: {path}" for path in left_out]
    rules = [f"content: {content}"]
    if answer != "text":
        rules.append(f"fcalls: {_calls(max_calls, spelling)}")
        rules.append("call: " + " | ".join(f"call_{i}" for i in range(len(offered))))
    for index, (name, parameters) in enumerate(offered):
        schema, left_out = expressible(json.loads(parameters))
        unsupported += [f"{name}: {path}" for path in left_out]
        arguments = f"%json {_dump({**schema, 'x-guidance': _SPELLING})}"
        rules.append(f"call_{index}: {_call(name, arguments, spelling)}")
    start = {"text": "content", "calls": "fcalls", "either": "content | fcalls"}[answer]
    if answer == "calls":
        rules = rules[1:]
    return Grammar("\n".join([f"start: {start}", *rules, ""]), tuple(unsupported))


def _calls(most: int, spelling: CallSpelling) -> str:
    """The body of the rule for up to `most` calls."""
    if spelling.args is not None:
        return f"call{{1,{most}}}" if most > 1 else "call"
    more = f' (", " call){{0,{most - 1}}}' if most > 1 else ""
    return f'<[{spelling.calls}]> "[" call{more} "]"'


def _call(name: str, arguments: str, spelling: CallSpelling) -> str:
    """The body of the rule for one tool's call."""
    if spelling.args is None:
        opening = json.dumps(f'{{"name": {json.dumps(name)}, "arguments": ')
        return f'{opening} {arguments} "}}"'
    made_id = "" if spelling.call_id is None else f"<[{spelling.call_id}]> /[a-zA-Z0-9]{{9}}/ "
    return f"<[{spelling.calls}]> {json.dumps(name)} {made_id}<[{spelling.args}]> {arguments}"
