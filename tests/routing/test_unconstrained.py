from __future__ import annotations

from mistral_common.protocol.instruct.messages import UserMessage

from routing.backend import Completion, Turn
from routing.backends.scripted import ScriptedBackend
from routing.unconstrained import Unconstrained


async def test_a_turn_asks_for_no_grammar_and_is_else_the_same() -> None:
    inner = ScriptedBackend(["Hello."])
    turn = Turn(messages=[UserMessage(content="Hi")], max_calls=3)
    wrapped = Unconstrained(inner)
    said = [item async for item in wrapped.stream(turn)]
    assert isinstance(said[-1], Completion)
    assert said[-1].text == "Hello."
    [asked] = inner.turns
    assert (asked.constrain, asked.max_calls) == (False, 3)
    assert (wrapped.name, wrapped.model) == (inner.name, inner.model)
    assert await wrapped.ready()
    await wrapped.aclose()
