"""The gateway's grammar in the form that the llguidance inside llama.cpp takes.

llama.cpp hands a grammar that begins with `%llguidance` to the library that vLLM uses too, in an older
version, and *ignores* one that this version refuses: the answer then comes unconstrained, and only
llama.cpp's log says why. So each grammar is tried once before it is relied on (`probe`), and where it
is refused, one that leaves the arguments open stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import Turn
from routing.grammar.lark import lark_grammar

PROBE_TOKEN = 0
"""`<unk>`, which no model emits on its own."""

_HEADER = "%llguidance {}\n"
_UNKNOWN_OPTION = re.compile(r'"json_allowed_escapes":"(?:[^"\\]|\\.)*+",?')
"""An option of `x-guidance` that the older version refuses; JSON's `\\u` escapes are possible then."""
_NO_MORE_CALLS = ' (", " call){0,0}'
"""A repetition of none, which it refuses as well."""


def may_call(turn: Turn) -> bool:
    """Whether the turn leaves room for calls."""
    return bool(turn.tools) and turn.tool_choice != "none"


def must_call(turn: Turn) -> bool:
    """Whether the turn's tool choice leaves room for nothing but calls."""
    return may_call(turn) and turn.tool_choice != "auto"


def grammars(turn: Turn) -> Iterator[str]:
    """What the answer may be held to, the strictest first; nothing when it is free.

    A forced call is always held to a grammar: nothing else can force it.
    """
    wanted = turn.constrain and (may_call(turn) or turn.output_schema is not None)
    if not (wanted or must_call(turn)):
        return
    yield _grammar(turn)
    if may_call(turn):
        loose = [
            Tool(function=Function(name=tool.function.name, parameters={"type": "object"}))
            for tool in turn.tools
        ]
        yield _grammar(replace(turn, tools=loose))


def probe(grammar: str) -> str:
    """A grammar that is refused when `grammar` is, and else forces `PROBE_TOKEN` first."""
    rules = grammar.removeprefix(_HEADER).replace("start:", "probed:", 1)
    return f"{_HEADER}start: <[{PROBE_TOKEN}]> probed\n{rules}"


def _grammar(turn: Turn) -> str:
    grammar = lark_grammar(
        turn.tools,
        choice=turn.tool_choice,
        max_calls=turn.max_calls if turn.parallel_tool_calls else 1,
        output_schema=turn.output_schema,
    )
    return _HEADER + _UNKNOWN_OPTION.sub("", grammar.text).replace(_NO_MORE_CALLS, "", 1)
