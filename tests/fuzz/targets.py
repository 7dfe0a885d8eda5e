"""Everything that reads bytes from outside, each as a function of bytes: `TARGETS`.

A target raises nothing: what is refused is refused with the errors of its own boundary, which are caught
here by name. `SEEDS` are bytes from which a search begins. Hypothesis takes a few steps on every run of the
tests (`test_targets.py`); atheris searches for as long as it is let (`scripts/fuzz`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from gateway.access.secret import id_in
from gateway.api.asgi import parse_object
from gateway.api.errors import ApiError
from gateway.api.responses.request import parse_request
from gateway.api.wire import parse_chat
from policies.cedar.policy_set import PolicySet
from policies.conversation import Brought
from policies.errors import PolicyError
from policies.filters import known, listed
from policies.filters.sieve import segments
from policies.loader import parse
from policies.taint.flow import marks
from routing.errors import BackendError
from routing.leak_gate import LeakGate
from routing.native import parse_call_list
from routing.openai_answer import AnswerReader
from routing.openai_events import read_together
from routing.sse import SseDecoder
from tools.errors import RegistrationError
from tools.executors.addresses import refusal
from tools.openapi.importing import import_document
from tools.openapi.operations import Source
from tools.openapi.reading import read_text
from tools.registration import read_registration
from tools.repair import parse_arguments, repair_arguments
from tools.schema import compile_parameters

Target = Callable[[bytes], None]

_SCHEMA = compile_parameters(
    {
        "type": "object",
        "properties": {
            "v": {"type": ["integer", "array"], "items": {"type": "boolean"}},
            "w": {"anyOf": [{"$ref": "#"}, {"type": "number"}, {"type": "null"}]},
        },
        "required": ["v"],
    }
)
_DETECTORS = [each for found in known.KNOWN.values() for each in found]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def chat_body(data: bytes) -> None:
    """`POST /v1/chat/completions`."""
    with suppress(ApiError):
        parse_chat(parse_object(data))


def responses_body(data: bytes) -> None:
    """`POST /v1/responses` and the WebSocket's messages."""
    with suppress(ApiError):
        parse_request(parse_object(data))


def registration_body(data: bytes) -> None:
    """`POST /v1/tools`: its schema is compiled, too."""
    with suppress(ApiError, RegistrationError):
        compile_parameters(read_registration(parse_object(data)).spec().parameters)


def key(data: bytes) -> None:
    """What a caller shows as a key."""
    id_in(data.decode("latin-1"))


def arguments(data: bytes) -> None:
    """A call's arguments as a model spelled them."""
    repairs: list[str] = []
    read = parse_arguments(_text(data), repairs)
    if isinstance(read, dict):
        _SCHEMA.check(repair_arguments(read, _SCHEMA, repairs))


def native_calls(data: bytes) -> None:
    """Calls in a model's text, and calls that leaked into an answer."""
    text = _text(data)
    parse_call_list(text)
    gate = LeakGate()
    for at in range(0, len(text), 7):
        gate.feed(text[at : at + 7])
    gate.finish()


def engine_stream(data: bytes) -> None:
    """An engine's event stream: events, chunks, calls, completion."""
    decoder, reader = SseDecoder(1 << 20), AnswerReader()
    with suppress(BackendError, orjson.JSONDecodeError):
        events = [one for at in range(0, len(data), 5) for one in decoder.feed(data[at : at + 5])]
        events = [event for event in (*events, *decoder.finish()) if event != b"[DONE]"]
        for event in read_together(events) or map(orjson.loads, events):
            reader.feed(event)
        reader.is_whole(ended=False)
        reader.completion()


def openapi_document(data: bytes) -> None:
    """An OpenAPI document, YAML or JSON, and its operations as tools."""
    with suppress(RegistrationError):
        import_document(read_text(data), Source("fuzz"))


def host(data: bytes) -> None:
    """The host in a URL that a tool is asked to fetch."""
    refusal(_text(data))


def filtered_text(data: bytes) -> None:
    """Text that goes through every detector that ships."""
    segments(_text(data), _DETECTORS)


def operators_pattern(data: bytes) -> None:
    """A pattern and a word of an operator's list, and a text that it is looked for in."""
    text = _text(data)
    for make in (listed.pattern, lambda one: listed.words([one])):
        with suppress(listed.BadList):
            segments(text, [make(text[:1_000])])


def operators_rules(data: bytes) -> None:
    """The file of rules, as data."""
    with suppress(orjson.JSONDecodeError, PolicyError):
        parse(orjson.loads(data))


def cedar_policies(data: bytes) -> None:
    """A file of Cedar policies."""
    with suppress(PolicyError, UnicodeDecodeError):
        PolicySet([("fuzz", data.decode())])


def tainted(data: bytes) -> None:
    """A result, whatever it is encoded in, and arguments that may come out of it."""
    result, _, argument = _text(data).partition("\n")
    sources = [Brought("read", "abcdefghi", result)]
    list(marks({"to": argument, "body": result[3:]}, {}, sources, [argument[:5]]))


TARGETS: Mapping[str, Target] = {
    each.__name__: each
    for each in (
        chat_body,
        responses_body,
        registration_body,
        key,
        arguments,
        native_calls,
        engine_stream,
        openapi_document,
        host,
        filtered_text,
        operators_pattern,
        operators_rules,
        cedar_policies,
        tainted,
    )
}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_CALL: dict[str, Any] = {"id": "abcdefghi", "function": {"name": "add", "arguments": '{"a": 1}'}}
_PARAMETERS = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a+$"}}}
SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "chat_body": (
        _json({"model": "gateway", "messages": [{"role": "user", "content": "Go."}], "stream": True}),
        _json({"model": "expert", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
               "tools": [{"type": "function", "function": {"name": "f", "parameters": _PARAMETERS}}],
               "gateway": {"max_steps": 3}}),
    ),
    "responses_body": (
        _json({"model": "gateway", "input": "Go.", "store": False}),
        _json({"input": [{"type": "message", "role": "user", "content": "a"},
                         {"type": "function_call_output", "call_id": "c", "output": "1"}]}),
    ),
    "registration_body": (
        _json({"name": "f", "description": "d", "parameters": _PARAMETERS,
               "executor": {"kind": "http", "method": "GET", "url": "https://example.com/{a}"}}),
    ),
    "key": (b"gwk_0123456789ab_" + b"A" * 43,),
    "arguments": (b'{"v": "5", "w": {"v": 1e999}}', b'"{\\"v\\": 5}"', b"{'v': [tru", b"[" * 500),
    "native_calls": (
        b'[TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}] and more',
        b'[TOOL_CALLS]add[CALL_ID]abcdefghi[ARGS]{"a": 1}[TOOL_CALLS]add{"b"',
    ),
    "engine_stream": (
        b"data: " + _json({"choices": [{"delta": {"content": "Hi."}, "finish_reason": "stop"}]}) + b"\n\ndata: [DONE]\n\n",
        b"data: " + _json({"choices": [{"delta": {"tool_calls": [{"index": 0, **_CALL}]}}], "usage": {"prompt_tokens": 1}}) + b"\r\n\r\n",
    ),
    "openapi_document": (
        (b"openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: https://example.com}]\n"
        b"paths:\n  /a/{b}:\n    get:\n      operationId: f\n      parameters:\n"
        b"        - {name: b, in: path, required: true, schema: {$ref: '#/components/schemas/B'}}\n"
        b"components: {schemas: {B: {type: string}}}\n"),
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    ),
    "host": (b"2130706433", b"[::ffff:127.0.0.1]", b"0x7f.1", b"user@169.254.169.254", "①②⑦.0.0.1".encode()),
    "filtered_text": (b"ada@example.com 4111 1111 1111 1111 DE89 3704 0044 0532 0130 00 ghp_" + b"a" * 36,
                      b"-----BEGIN PRIVATE KEY-----\nMII", "11010519491231002X 电话".encode()),
    "operators_pattern": (rb"\bPRJ-\d{4}\b", b"(a|b){1,100}", b"(a+)+$", "敏感".encode()),
    "operators_rules": (
        _json({"rules": [{"taint": {"effects": ["write"]}}, {"filter": {"find": ["email"], "at": ["input"], "action": "mask"}}]}),
        _json({"rules": [{"rate_limit": {"requests": 60, "per": "all"}}, {"quiet_hours": {"start": "22:00", "end": "07:00"}}]}),
    ),
    "cedar_policies": (
        (b'@id("a") permit (principal in Role::"author", action == Action::"call", resource)\n'
        b'when { context.number.hasTag("n") && context.number.getTag("n") * 4 > 100 };'),
    ),
    "tainted": (b"send it to bob@example.com\nbob@example.com", b"Ym9iQGV4YW1wbGUuY29t\nbob@example.com",
                b"%62%6f%62 &#98;ob \\u0062ob 626f62\nbob"),
}  # fmt: skip
