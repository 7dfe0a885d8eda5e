"""The fenced code blocks of an answer, as CommonMark has them. Pure.

Fences of backticks and of tildes, in lists and quotations, a fence inside a longer one, and one that is
never closed (it goes on to the end). In one thing this is more lenient than CommonMark: a fence may be
indented by any number of spaces, for models indent code as they like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """One block. `language` is the first word behind the fence, `""` where there is none.

    `code` is what stands between the fences, without the line break before the closing one.
    """

    language: str
    code: str


def code_blocks(text: str) -> tuple[CodeBlock, ...]:
    """The blocks of `text` in their order. Takes time linear in the text; never raises."""
    if "```" not in text and "~~~" not in text:
        return ()
    return tuple(
        CodeBlock(_language(token.info), token.content.removesuffix("\n"))
        for token in _parser().parse(text)
        if token.type == "fence"
    )


def _language(info: str) -> str:
    words = info.split(maxsplit=1)
    return words[0] if words else ""


class _Token(Protocol):
    type: str
    info: str
    content: str


class _Parser(Protocol):
    def parse(self, src: str) -> Sequence[_Token]: ...


@cache
def _parser() -> _Parser:
    """Blocks alone: what is inside a paragraph does not matter here, and costs most."""
    from markdown_it import MarkdownIt

    blocks = ["fence", "blockquote", "list"]
    return MarkdownIt("zero").enable(blocks).disable("inline")
