"""Exchanges by chance, from a seed: what an app sends, and what the model behind the gateway answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.backend import TokenLogprob, Turn
from routing.backends.scripted import Answer, Call, Item, Say
from routing.errors import BackendProtocolError, BackendUnavailable
from tools.spec import ValidCall

A: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
}
THEIRS: dict[str, Any] = {
    "type": "function",
    "name": "theirs",
    "description": "Runs in the app.",
    "parameters": A,
    "strict": True,
}
TOKENS = (TokenLogprob("I", -0.1, 7, (("I", -0.1), ("We", -2.0))), TokenLogprob(" look", -0.5))
TEXTS = ("It is noon.", "Ça va — 你好 🙂", "One.\n\nTwo.", "I look at it, and then I see.")
HELD = 9


class People(Policy):
    """Sums with nine are for people."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held = call.arguments.get("a") == HELD
        return RequireApproval("a person decides", "people") if held else ALLOW


@dataclass
class Model:
    """Answers for ever; where it `hangs`, only after it was cancelled."""

    chance: Random
    hangs: bool = False

    def script(self) -> Iterator[Item]:
        while True:
            yield self._say

    def _say(self, turn: Turn) -> Answer:
        if self.hangs:
            return Say(self.chance.choice(TEXTS), piece=4, pauses={2: asyncio.Event()})
        return _answer(self.chance, turn)


def _answer(chance: Random, turn: Turn) -> Answer:
    kind, text = chance.random(), chance.choice(TEXTS)
    if turn.output_schema is not None and kind < 0.7:
        return chance.choice(['{"a": 1}', '{"a": "x"}', "I won't."])
    offered = [tool.function.name for tool in turn.tools]
    if offered and turn.tool_choice != "none" and kind < 0.5:
        return Say(
            chance.choice(["", text]),
            calls=[_call(chance, offered) for _ in range(chance.randint(1, 3))],
            piece=chance.randint(1, 9),
        )
    match int(chance.random() * 12):
        case 0:
            return BackendUnavailable("away")
        case 1:
            return Say(text, breaks=BackendProtocolError("cut"))
        case 2:
            return Say(text, finish_reason="length")
        case 3:
            return ""
        case _:
            return Say(text, piece=chance.randint(1, 9), logprobs=TOKENS)


def _call(chance: Random, offered: list[str]) -> Call:
    name = chance.choice([*offered, *offered, *offered, "nobodys"])
    a = chance.choice([1, 2, 3, 4, 5, 13, HELD, "x"])
    return Call(name, {"a": a, "b": 2} if name == "add" else {"a": a})


def _parts(chance: Random, kind: str, text: str) -> Any:
    part: dict[str, Any] = {"type": kind, "text": text}
    if kind == "output_text":
        part["annotations"] = []
    return [part for _ in range(chance.randint(1, 2))]


def _said(chance: Random, role: str) -> dict[str, Any]:
    text = chance.choice(TEXTS)
    kind = "output_text" if role == "assistant" else "input_text"
    message: dict[str, Any] = {
        "type": "message",
        "role": role,
        "content": text if chance.random() < 0.5 else _parts(chance, kind, text),
    }
    if role == "assistant":
        message |= {"id": f"msg_{chance.randrange(10**6)}", "status": "completed"}
        if chance.random() < 0.5:
            message["phase"] = chance.choice(["commentary", "final_answer"])
    return message


def past(chance: Random) -> list[dict[str, Any]]:
    """Items of each kind that an app may bring itself."""
    items: list[dict[str, Any]] = []
    for n in range(chance.randint(0, 3)):
        match chance.choice(["said", "called", "thought"]):
            case "said":
                items += [_said(chance, role) for role in ("user", "assistant")]
            case "called":
                output = chance.choice(["1", [{"type": "input_text", "text": "1"}]])
                call = {"type": "function_call", "call_id": f"c{n}", "name": "theirs"}
                items += [
                    _said(chance, "user"),
                    {**call, "arguments": '{"a": 1}'},
                    {"type": "function_call_output", "call_id": f"c{n}", "output": output},
                ]
            case _:
                thought = {"type": "summary_text", "text": "I think."}
                items += [
                    _said(chance, chance.choice(["system", "developer", "user"])),
                    {"type": "reasoning", "id": f"rs_{n}", "summary": [thought]},
                ]
    return [*items, _said(chance, "user")]


def body(chance: Random) -> dict[str, Any]:
    """A request that is right; without what it continues."""
    ask: dict[str, Any] = {"model": "gateway", "input": chance.choice(["Go.", past(chance)])}
    if theirs := chance.random() < 0.7:
        ask["tools"] = [THEIRS]
    ask["gateway"] = {"tools": ["add"], "max_steps": chance.randint(1, 4)}
    form = {"type": "json_schema", "name": "a", "schema": A, "strict": True}
    named = {"type": "function", "name": "theirs"}
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [named]}
    options: list[dict[str, Any]] = [
        {"instructions": "Be brief."},
        {"temperature": 0.5, "top_p": 0.9},
        {"max_output_tokens": 64},
        {"metadata": {"topic": "x"}},
        {"parallel_tool_calls": False},
        {"max_tool_calls": 2},
        {"truncation": chance.choice(["auto", "disabled"])},
        {"reasoning": {"effort": "low"}},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 1},
        {"text": {"format": form}},
        {"text": {"format": {"type": "text"}, "verbosity": "low"}},
        {"tool_choice": chance.choice(["auto", "none", "required"])},
        *([{"tool_choice": chance.choice([named, allowed])}] if theirs else []),
        {"safety_identifier": "u", "prompt_cache_key": "k"},
    ]
    for option in chance.sample(options, chance.randint(0, 4)):
        ask |= option
    return ask


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"input": 5}, "input"),
    ({"input": [{"type": "web_search_call", "id": "x"}]}, "input[0].type"),
    ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input[0].content[0].type"),
    ({"temperature": 3}, "temperature"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tool_choice": {"type": "function", "name": "nobodys"}}, "tool_choice.name"),
    ({"include": ["everything"]}, "include[0]"),
    ({"previous_response_id": "resp_x", "conversation": None}, "previous_response_id"),
    ({"conversation": "conv_x", "previous_response_id": None}, "conversation"),
    ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "input[0].id"),
    ({"colour": "red"}, "colour"),
    ({"model": "gpt-9"}, "model"),
]  # fmt: skip
"""What makes a request wrong, and the parameter that is named."""
