"""Registrations over REST, and what manifests of HTTP tools have in common with them."""

from __future__ import annotations

from typing import Any

import pytest

from tools.errors import RegistrationError, ToolPaused, ToolUnavailable
from tools.executors.http_session import HttpSessions
from tools.registration import build, read_registration
from tools.registry import Registry
from tools.spec import Effect

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tell the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
    "annotations": {"read_only": True},
    "executor": {
        "kind": "http",
        "method": "GET",
        "url": "https://api.example.com/{city}",
        "timeout_s": 5,
    },
}


def test_a_registration_becomes_a_tool() -> None:
    spec, executor = build(read_registration(WEATHER), HttpSessions())
    assert (spec.name, spec.effect, spec.timeout_s) == ("get_weather", Effect.READ, 5.0)
    registry = Registry()
    registry.register(spec, executor)
    assert registry.get("get_weather").parameters == WEATHER["parameters"]


def test_what_bounds_an_endpoint_is_read_and_kept_only_where_it_is_set() -> None:
    bounds: dict[str, Any] = {
        "max_concurrent": 2,
        "max_per_minute": 30.0,
        "breaker": {"failures": 2},
    }
    bounded = read_registration({**WEATHER, **bounds})
    upstream = bounded.upstream()
    assert upstream.slots is not None
    assert upstream.pace is not None
    for _ in range(2):
        upstream.breaker.learn(ToolUnavailable("gone"), probe=upstream.breaker.enter())
    with pytest.raises(ToolPaused, match="failed 2 times in a row"):
        upstream.breaker.enter()
    kept = bounded.model_dump(mode="json")
    assert kept["breaker"] == {"failures": 2, "pause_s": 30.0}
    assert read_registration(kept) == bounded
    plain = read_registration(WEATHER)
    assert (plain.upstream().slots, plain.upstream().pace) == (None, None)
    assert not {"max_concurrent", "max_per_minute", "breaker"} & set(plain.model_dump())


def test_a_secret_is_named_and_other_headers_are_written_out() -> None:
    headers = {
        "Authorization": "Bearer ${TOOL_KEY}",
        "Accept": "text/plain",
        "X-Token-Form": "short",
    }
    executor = {**WEATHER["executor"], "headers": headers, "url": "http://x/{city}?key={city}"}
    spec, _ = build(read_registration({**WEATHER, "executor": executor}), HttpSessions())
    assert spec.name == "get_weather"


def test_without_annotations_the_cautious_ones_hold() -> None:
    document = {name: value for name, value in WEATHER.items() if name != "annotations"}
    assert read_registration(document).spec().effect is Effect.WRITE


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"extra": 1}, "$.extra"),
        ({"name": None}, "$.name"),
        ({"parameters": []}, "$.parameters"),
        ({"annotations": {"readonly": True}}, "$.annotations.readonly"),
        ({"executor": {**WEATHER["executor"], "kind": "shell"}}, "$.executor.kind"),
        ({"executor": {**WEATHER["executor"], "method": "TRACE"}}, "$.executor.method"),
        ({"executor": {**WEATHER["executor"], "timeout_s": 0}}, "$.executor.timeout_s"),
        ({"max_concurrent": 0}, "$.max_concurrent"),
        ({"max_per_minute": 0}, "$.max_per_minute"),
        ({"breaker": {"failures": 0}}, "$.breaker.failures"),
        ({"breaker": {"pause_s": 0}}, "$.breaker.pause_s"),
        (
            {"annotations": {}, "executor": {**WEATHER["executor"], "cache_s": 9}},
            "$.executor.cache_s",
        ),
        ({"executor": {**WEATHER["executor"], "allow_private": True}}, "$.executor.allow_private"),
        ({"executor": {**WEATHER["executor"], "url": "http://x/{zip}"}}, "$.executor.url"),
        ({"parameters": {"type": "object"}}, "$.executor.url"),
        (
            {"executor": {**WEATHER["executor"], "headers": {"Host": "x"}}},
            "$.executor.headers['Host']",
        ),
        *(
            (
                {"executor": {**WEATHER["executor"], "headers": {name: "Bearer abc"}}},
                f"$.executor.headers['{name}']",
            )
            for name in ("Authorization", "x-api-key", "X-Auth-Token", "Cookie", "Appid_Key")
        ),
        (
            {"executor": {**WEATHER["executor"], "url": "http://x/{city}?units=c&api_key=abc"}},
            "$.executor.url",
        ),
    ],
)
def test_a_registration_that_is_not_right_is_refused_where_it_is_wrong(
    change: dict[str, Any], where: str
) -> None:
    with pytest.raises(RegistrationError) as caught:
        build(read_registration({**WEATHER, **change}), HttpSessions())
    assert caught.value.where == where


@pytest.mark.parametrize("document", [None, 5, "text", []])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(RegistrationError):
        read_registration(document)
