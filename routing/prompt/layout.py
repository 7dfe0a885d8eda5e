"""What the tokenizer versions do differently, as far as it can be told by yes and no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """One version's form of a conversation.

    `system_in_user`: system prompts are one text inside the last user message; else each stands where
    it is, between its own control tokens. `content_or_calls`: an assistant message can't hold both.
    `reads_results`: a tool result is read as JSON and written again; else it is text, as it is.
    `sorts_results`: results stand in the order of their calls. `tools_first`: tools stand before the
    first user message and not before the last. `names_calls`: `name[ARGS]{…}` instead of a JSON list;
    `call_ids`: calls and results carry ids.
    """

    system_in_user: bool = False
    content_or_calls: bool = False
    reads_results: bool = False
    sorts_results: bool = False
    tools_first: bool = False
    names_calls: bool = False
    call_ids: bool = True

    def moves(self, *, tools: bool, system: bool) -> bool:
        """Whether what stands before the last user message would stand elsewhere in the next turn."""
        return (tools and not self.tools_first) or (system and self.system_in_user)


LAYOUTS = {
    "v3": Layout(system_in_user=True, content_or_calls=True, reads_results=True),
    "v7": Layout(),
    "v11": Layout(sorts_results=True, names_calls=True),
    "v13": Layout(sorts_results=True, names_calls=True, tools_first=True, call_ids=False),
}
