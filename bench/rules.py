"""What the rules cost on an ordinary request, in microseconds of CPU: `python bench/rules.py`.

One request of a user, one call whose arguments are compared with three results of 2,000 characters, one
result, and an answer of 800 characters streamed in pieces of 4; with the rules below, all at once. Then the
filters alone on English and on Chinese text: an answer in 200 pieces, and 2,000 characters at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
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
CHINESE = "我已经告诉大家会议改到周五了，如您所愿。预算的问题，我会尽快给您答复，请放心。" * 50
LISTED = [f"word{n}" for n in range(500)] + [
    "".join(map(chr, (0x4E00 + 7 * n, 0x5000 + 3 * n, 0x6000 + n))) for n in range(500)
]
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
    scripts()


def scripts() -> None:
    """Print what the filters take of English and of Chinese."""
    every = ["email", "phone", "card", "iban", "cn_id", "secrets"]
    wanted = {"find": every, "words": LISTED, "at": ["output", "input"], "action": "mask"}
    policies = parse({"rules": [{"filter": wanted}]})
    for name, text, size in (("English", ANSWER * 3, 4), ("Chinese", CHINESE, 2)):

        def stream(text: str = text, size: int = size) -> None:
            screen = policies.screen(Subject("run_1"))
            if screen is not None:
                for at in range(0, 200 * size, size):
                    screen.feed(text[at : at + size])
                screen.finish()

        fresh = iter(range(10**9))

        def whole(text: str = text, fresh: Iterator[int] = fresh) -> None:
            said = f"{next(fresh):x} {text[:2_000]}"  # a text that was not seen before
            policies.on_messages(Subject("run_1"), [UserMessage(content=said)])

        print(f"{name}, 200 pieces of {size}{microseconds(stream, 20):16.0f} us")
        print(f"{name}, 2,000 at once{microseconds(whole, 20):17.0f} us")


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
