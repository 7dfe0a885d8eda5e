"""The llguidance that vLLM has (`scripts/vllm-constraints.txt`), on bytes for tokens."""

from __future__ import annotations

from typing import Any

from llguidance import LLMatcher, LLTokenizer
from mistral_common.protocol.instruct.tool_calls import Function, Tool

from bench.schema_targets.spelling import spelled
from routing.grammar.lark import CALLS_TOKEN_ID, lark_grammar

NAME = "tool"
_TOKENS = LLTokenizer("byte")


class EngineRefuses(Exception):
    """The engine takes no such schema."""


def call_tokens_text(arguments: Any) -> str:
    """What stands behind `[TOOL_CALLS]` in a call of `NAME`."""
    return f'[{{"name": "{NAME}", "arguments": {spelled(arguments)}}}]'


def a_tool(schema: dict[str, Any]) -> Tool:
    """The tool that is called."""
    return Tool(function=Function(name=NAME, description="", parameters=schema))


class Guidance:
    """The grammar of a turn with one tool, under which one call has to be written."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises `EngineRefuses`."""
        grammar = lark_grammar([a_tool(schema)], choice="required", max_calls=1)
        self._matcher = LLMatcher(_TOKENS, grammar.text, log_level=0)
        if self._matcher.is_error():
            raise EngineRefuses(self._matcher.get_error())

    def accepts(self, arguments: Any) -> bool:
        """Whether a model could have written this call."""
        tokens = [CALLS_TOKEN_ID, *call_tokens_text(arguments).encode()]
        self._matcher.reset()
        if self._matcher.validate_tokens(tokens) < len(tokens):
            return False
        self._matcher.consume_tokens(tokens)
        return self._matcher.is_accepting()
