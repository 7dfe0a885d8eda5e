"""Any conversation: there and back over the wire, and over each tokenizer's text, without loss.

The oracle says what a conversation says, independently of any rendering: who said, called, returned
what, neighbours of one role joined. Each version's text is read back into the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.tool_calls import Function, Tool
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

from gateway.transcript import from_chat, to_chat
from gateway.transcript.ids import is_model_id
from routing.backend import Turn
from routing.native import parse_call_list
from routing.prompt import PromptRenderer
from tests.routing.tekken_versions import VERSIONS, spelled, tekken_of

Wire = dict[str, Any]
Event = tuple[Any, ...]

TOOLS = [Tool(function=Function(name="t", description="d", parameters={"type": "object"}))]
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}

# guillemets mark control tokens in the text that is read back; « … » stand for nothing else here
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="«»"), max_size=12)
marks = st.sampled_from(["[TOOL_CALLS]", "</s>", "[ARGS]x", "[/INST] ", '{"a": 1}', "4.6", "[1, 2"])
said = text | marks
client_id = st.from_regex(r"[a-zA-Z0-9]{9}", fullmatch=True) | st.text(min_size=1, max_size=12)
name = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
scalar = st.none() | st.booleans() | st.integers() | said
arguments = st.dictionaries(text, scalar | st.lists(scalar, max_size=2), max_size=2).map(
    lambda value: orjson.dumps(value).decode() if _fits(value) else "{}"
)


def _fits(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return False
    return True


def _parts(each: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return each | st.lists(each.map(lambda t: {"type": "text", "text": t}), min_size=1, max_size=2)


@st.composite
def systems(draw: st.DrawFn) -> list[Wire]:
    role = draw(st.sampled_from(["system", "developer"]))
    return [{"role": role, "content": draw(_parts(said))}] if draw(st.booleans()) else []


@st.composite
def exchanges(draw: st.DrawFn) -> list[Wire]:
    """An assistant's turn, with results in any order and system messages anywhere."""
    ids = draw(st.lists(client_id, unique=True, max_size=3))
    message: Wire = {"role": "assistant", "content": draw(st.none() | _parts(said))}
    if ids:
        message["tool_calls"] = [
            {
                "id": each,
                "type": "function",
                "function": {"name": draw(name), "arguments": draw(arguments)},
            }
            for each in ids
        ]
    messages = [message]
    for each in draw(st.permutations(ids)):
        messages += draw(systems())
        messages.append({"role": "tool", "tool_call_id": each, "content": draw(_parts(said))})
    return messages


@st.composite
def chats(draw: st.DrawFn) -> list[Wire]:
    messages = draw(systems())
    for _ in range(draw(st.integers(0, 3))):
        for content in draw(st.lists(_parts(said), max_size=2)):
            messages.append({"role": "user", "content": content})
            messages += draw(systems())
        messages += draw(exchanges())
    return [*messages, {"role": "user", "content": draw(_parts(said))}]


def _plain(content: Any) -> Any:
    if isinstance(content, list):
        return "\n\n".join(part["text"] for part in content)
    return content


def canonicalised(messages: list[Wire]) -> list[Wire]:
    """The documented changes, made by hand."""
    plain: list[Wire] = []
    for message in messages:
        role = "system" if message["role"] == "developer" else message["role"]
        content = _plain(message["content"])
        if role == "assistant":
            content = content or None
        if role == "assistant" and content is None and not message.get("tool_calls"):
            continue
        plain.append({**message, "role": role, "content": content})
    return sorted(plain, key=lambda message: message["role"] != "system")


@settings(max_examples=100, deadline=None)
@given(chats())
def test_chat_to_canonical_to_chat_changes_only_what_is_documented(messages: list[Wire]) -> None:
    transcript = from_chat(messages)
    back = to_chat(transcript.messages, transcript.ids)
    assert back == canonicalised(messages)
    again = from_chat(back)
    assert again.messages == transcript.messages
    inward = {call["id"] for m in to_chat(transcript.messages) for call in m.get("tool_calls", ())}
    outward = {call["id"] for m in messages for call in m.get("tool_calls", ())}
    assert all(is_model_id(each) for each in inward)
    assert {transcript.ids.outward(each) for each in inward} == outward


@settings(max_examples=30, deadline=None)
@given(chats(), st.data())
def test_images_are_where_they_were(messages: list[Wire], data: st.DataObject) -> None:
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    chosen = data.draw(st.sets(st.sampled_from(users), min_size=1))
    for i in chosen:
        messages[i]["content"] = [{"type": "text", "text": _plain(messages[i]["content"])}, IMAGE]
    transcript = from_chat(messages)
    assert transcript.images == tuple(f"messages[{i}].content[1]" for i in sorted(chosen))
    back = to_chat(transcript.messages, transcript.ids)
    assert sum(IMAGE in m["content"] for m in back if isinstance(m["content"], list)) == len(chosen)


def told(messages: list[Wire], *, sort: bool) -> list[Event]:
    """What a canonical conversation says, system prompts aside."""
    events: list[Event] = []
    places: dict[str, int] = {}
    results: list[tuple[int, str]] = []

    def flush() -> None:
        ordered = sorted(results, key=lambda each: each[0]) if sort else results
        events.extend(("result", content) for _, content in ordered)
        results.clear()

    for message in messages:
        content = message["content"] or ""
        if message["role"] == "tool":
            results.append((places[message["tool_call_id"]], content))
            continue
        flush()
        if message["role"] == "user":
            _say(events, "user", content)
        elif message["role"] == "assistant":
            if content.strip(" "):
                _say(events, "said", content)
            calls = message.get("tool_calls", ())
            places = {call["id"]: place for place, call in enumerate(calls)}
            for call in calls:
                function = call["function"]
                events.append(("call", function["name"], json.loads(function["arguments"])))
    flush()
    if events[0][0] != "user":
        events.insert(0, ("user", ""))
    return [
        (kind, *rest) if kind != "said" else (kind, rest[0].rstrip(" ")) for kind, *rest in events
    ]


def _say(events: list[Event], kind: str, content: str) -> None:
    if events and events[-1][0] == kind:
        before = events.pop()[1]
        content = "\n\n".join(part for part in (before, content) if part)
    events.append((kind, content))


def read_back(version: str, prompt: str, system: str) -> list[Event]:
    """The events that a prompt spells, system prompts and tools aside."""
    events: list[Event] = []
    prompt = re.sub(
        r"«\[(AVAILABLE_TOOLS|SYSTEM_PROMPT)\]».*?«\[/\1\]»", "", prompt, flags=re.DOTALL
    ).removeprefix("«<s>»")
    for block in re.split(
        r"(«\[INST\]».*?«\[/INST\]»|«\[TOOL_RESULTS\]».*?«\[/TOOL_RESULTS\]»)",
        prompt,
        flags=re.DOTALL,
    ):
        if block.startswith("«[INST]»"):
            events.append(("user", block.removeprefix("«[INST]»").removesuffix("«[/INST]»")))
        elif block.startswith("«[TOOL_RESULTS]»"):
            inside = block.removeprefix("«[TOOL_RESULTS]»").removesuffix("«[/TOOL_RESULTS]»")
            events.append(("result", RESULTS[version](inside)))
        else:
            for turn in filter(None, block.split("«</s>»")):
                events += _assistant(turn)
    if version == "v3" and system:
        last = max(i for i, event in enumerate(events) if event[0] == "user")
        assert events[last][1].startswith(f"{system}\n\n")
        events[last] = ("user", events[last][1].removeprefix(f"{system}\n\n"))
    if events[0][0] != "user":
        events.insert(0, ("user", ""))
    return events


RESULTS: Mapping[str, Callable[[str], Any]] = {
    "v3": lambda inside: json.loads(inside)["content"],
    "v7": lambda inside: inside.split("«[TOOL_CONTENT]»")[1],
    "v11": lambda inside: inside.split("«[TOOL_CONTENT]»")[1],
    "v13": lambda inside: inside,
}


def _assistant(turn: str) -> Iterator[Event]:
    content, marker, calls = turn.partition("«[TOOL_CALLS]»")
    if content:
        yield "said", content
    if marker:
        found = parse_call_list(re.sub("«(.*?)»", r"\1", marker + calls))
        assert found.complete
        assert found.tail == ""
        for call in found.calls:
            yield "call", call.function.name, json.loads(call.function.arguments)


@pytest.fixture(scope="module")
def renderers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PromptRenderer]:
    folder = tmp_path_factory.mktemp("tekken")
    return {version: PromptRenderer(tekken_of(version, folder)) for version in VERSIONS}


@pytest.fixture(scope="module")
def tokenizer(renderers: dict[str, PromptRenderer]) -> Callable[[str], Tekkenizer]:
    read = {v: Tekkenizer.from_file(each.tokenizer_path) for v, each in renderers.items()}
    return read.__getitem__


@settings(max_examples=40, deadline=None)
@given(messages=chats())
@pytest.mark.parametrize("version", VERSIONS)
def test_every_tokenizers_text_says_what_the_conversation_says(
    version: str,
    messages: list[Wire],
    renderers: dict[str, PromptRenderer],
    tokenizer: Callable[[str], Tekkenizer],
) -> None:
    canonical = from_chat(messages).messages
    wire = to_chat(canonical)
    prompts = [m["content"] for m in wire if m["role"] == "system"]
    system = "\n\n".join(filter(None, prompts))
    expected = told(wire, sort=version in {"v11", "v13"})
    turn = Turn(messages=canonical, tools=TOOLS)
    prompt = spelled(tokenizer(version), renderers[version].render(turn))
    found = read_back(version, prompt, system)
    assert [event[0] for event in found] == [event[0] for event in expected]
    for ours, theirs in zip(found, expected, strict=True):
        if ours[0] == "result" and version == "v3" and ours != theirs:
            assert ours[1] == json.loads(theirs[1]), "read as JSON, and the same"
        else:
            assert ours == theirs
    if version != "v3":
        assert re.findall(r"«\[SYSTEM_PROMPT\]»(.*?)«", prompt, re.DOTALL) == prompts
