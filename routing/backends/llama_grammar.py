"""The gateway's grammar in the form that the llguidance inside llama.cpp takes.

llama.cpp hands a grammar that begins with `%llguidance` to the library that vLLM uses too, in an
older version, and *ignores* one that this version refuses: the answer then comes unconstrained, and
only llama.cpp's log says why. So each grammar is tried once before it is relied on (`probe`), and
a tool whose schema is to blame keeps its place in the grammar with open arguments.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from mistral_common.protocol.instruct.tool_calls import Function, Tool

from routing.backend import Turn
from routing.grammar.lark import lark_grammar
from routing.spelling import LIST_SPELLING, CallSpelling

log = logging.getLogger(__name__)

PROBE_TOKEN = 0
"""`<unk>`, which no model emits on its own."""

Obeys = Callable[[str], Awaitable[bool]]
"""Whether the engine takes a grammar."""

_HEADER = "%llguidance {}\n"
_UNKNOWN_OPTION = re.compile(r'"json_allowed_escapes":"(?:[^"\\]|\\.)*+",?')
"""An option of `x-guidance` that the older version refuses; JSON's `\\u` escapes are possible then."""
_KEPT = 256


def may_call(turn: Turn) -> bool:
    """Whether the turn leaves room for calls."""
    return bool(turn.tools) and turn.tool_choice != "none"


def probe(grammar: str) -> str:
    """A grammar that is refused when `grammar` is, and else forces `PROBE_TOKEN` first."""
    rules = grammar.removeprefix(_HEADER).replace("start:", "probed:", 1)
    return f"{_HEADER}start: <[{PROBE_TOKEN}]> probed\n{rules}"


class TrustedGrammars:
    """Picks for each turn the strictest grammar that the engine obeys, and remembers what it tried."""

    def __init__(self) -> None:
        self._tried: dict[str, bool] = {}

    async def strictest(
        self, turn: Turn, obeys: Obeys, spelling: CallSpelling = LIST_SPELLING
    ) -> str | None:
        """What the answer is held to; None when it is free. `spelling` is the tokenizer version's.

        A forced call is always held to a grammar: nothing else can force it.
        """
        must_call = may_call(turn) and turn.tool_choice != "auto"
        wanted = turn.constrain and (may_call(turn) or turn.output_schema is not None)
        if not (wanted or must_call):
            return None
        grammar = _grammar(turn, spelling)
        if await self._trusted(grammar, obeys):
            return grammar
        open_tools = [
            tool if await self._trusted(grammar_of_one(tool, spelling), obeys) else _opened(tool)
            for tool in turn.tools
        ]
        grammar = _grammar(replace(turn, tools=open_tools), spelling)
        return grammar if await self._trusted(grammar, obeys) else None

    async def _trusted(self, grammar: str, obeys: Obeys) -> bool:
        known = self._tried.get(grammar)
        if known is None:
            known = await obeys(grammar)
            if len(self._tried) >= _KEPT:
                self._tried.pop(next(iter(self._tried)))
            self._tried[grammar] = known
            if not known:
                log.warning("llama.cpp refuses a grammar: %s", grammar[:1000])
        return known


def _opened(tool: Tool) -> Tool:
    return Tool(function=Function(name=tool.function.name, parameters={"type": "object"}))


def grammar_of_one(tool: Tool, spelling: CallSpelling = LIST_SPELLING) -> str:
    """The grammar of a turn that has to call this one tool."""
    return _grammar(Turn(messages=(), tools=[tool], tool_choice="required"), spelling)


def _grammar(turn: Turn, spelling: CallSpelling) -> str:
    grammar = lark_grammar(
        turn.tools,
        choice=turn.tool_choice,
        max_calls=turn.max_calls if turn.parallel_tool_calls else 1,
        output_schema=turn.output_schema,
        spelling=spelling,
    )
    return _HEADER + _UNKNOWN_OPTION.sub("", grammar.text)
