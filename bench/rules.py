"""What the rules cost on an ordinary request, in microseconds of CPU: `python bench/rules.py`.

One request of a user, one call whose arguments are compared with three results of 2,000 characters, one
result, and an answer of 800 characters streamed in pieces of 4; with the rules below, all at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from policies.loader import DEFAULT, parse
from policies.policy import Subject
from tools.spec import Annotations, ToolResult, ToolSpec, ValidCall

TEXT = "The meeting is moved to Friday; please tell everybody who asked about the budget. " * 25
ANSWER = "I have told everybody that the meeting is on Friday, as you asked me to. " * 11
RULES: dict[str, list[dict[str, object]]] = {
    "sizes and rates": [
        {"request_size": {}},
        {"call_size": {}},
        {"rate_limit": {"requests": 10**9, "calls": 10**9, "tokens": 10**12}},
        {"allowed_models": {"models": ["gateway"]}},
        {"quiet_hours": {"start": "03:00", "end": "03:01", "days": []}},
    ],
    "taint": [{"taint": {"effects": ["read", "write", "destroy"]}}],
    "filters, whole texts": [
        {"filter": {"find": ["email", "phone", "card", "iban", "cn_id", "secrets"],
                    "words": [f"word{n}" for n in range(1_000)], "at": ["input", "call", "result"], "action": "mask"}},
    ],
    "filters, the stream": [
        {"filter": {"find": ["email", "phone", "card", "iban", "cn_id", "secrets"],
                    "words": [f"word{n}" for n in range(1_000)], "at": ["output"], "action": "mask"}},
    ],
}  # fmt: skip


def conversation() -> list[ChatMessage]:
    """A user's wish, and three results of 2,000 characters."""
    messages: list[ChatMessage] = [UserMessage(content="Tell Bob that the meeting is on Friday.")]
    for at in range(3):
        call_id = f"call{at:05}"
        call = ToolCall(id=call_id, function=FunctionCall(name="read", arguments="{}"))
        messages += [
            AssistantMessage(tool_calls=[call]),
            ToolMessage(content=f"{at}{TEXT}"[:2_000], tool_call_id=call_id),
        ]
    return messages


def request(rules: list[dict[str, object]]) -> Callable[[], None]:
    """All hooks of one request."""
    policies = parse({"rules": rules})
    messages = conversation()
    subject = Subject("run_1", model="gateway", messages=messages, asked=1)
    tool = ToolSpec("send", "", {"type": "object"}, annotations=Annotations(open_world=True))
    call = ValidCall("abcdefghi", tool, {"to": "bob", "body": "See you at the place, Bob. " * 4})
    result = ToolResult("abcdefghi", "send", '{"sent": true}')

    def once() -> None:
        policies.on_request(subject, messages[:1])
        policies.on_messages(subject, messages[:1])
        policies.on_call(subject, call)
        policies.on_result(subject, call, result)
        policies.on_spend(subject, 1_000, 0.001)
        if (screen := policies.screen(subject)) is not None:
            for at in range(0, 800, 4):
                screen.feed(ANSWER[at : at + 4])
            screen.finish()

    return once


def main() -> None:
    """Print each group of rules, then all at once."""
    everything: list[dict[str, object]] = []
    for name, rules in RULES.items():
        everything += rules
        print(f"{name:24}{microseconds(request(list(rules))):10.0f} us")
    print(f"{'all of them':24}{microseconds(request(everything)):10.0f} us")


def write_all_rules(file: Path) -> None:
    """Every rule above, and those that ship, as a file for `policies.file`."""
    rules = [rule for group in RULES.values() for rule in group]
    shipped = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))["rules"]
    file.write_text(yaml.safe_dump({"rules": [*shipped, *rules]}), encoding="utf-8")


def microseconds(once: Callable[[], None], runs: int = 300) -> float:
    """The median of five times `runs` requests; texts that were seen before are known by then."""
    once()
    took: list[float] = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(runs):
            once()
        took.append((time.process_time() - began) / runs * 1e6)
    return sorted(took)[2]


if __name__ == "__main__":
    main()
