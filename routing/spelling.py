"""How a tokenizer version spells calls: the ids of the control tokens around them.

V3 and V7 write `[TOOL_CALLS][{"name": …, "arguments": …}, …]`, V11 writes
`[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}` for each call, V13 the same without the id.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallSpelling:
    """Token ids. `args` is None where the calls are one JSON list, `call_id` where calls carry none."""

    calls: int = 9
    args: int | None = None
    call_id: int | None = None

    def marker(self, token: int) -> str:
        """What a control token inside a call is read as; empty for every other token."""
        if token == self.calls:
            return "[TOOL_CALLS]"
        if token == self.args:
            return "[ARGS]"
        return "[CALL_ID]" if token == self.call_id else ""


LIST_SPELLING = CallSpelling()
"""V3 and V7; `[TOOL_CALLS]` is 9 in every Tekken vocabulary of Mistral's."""
