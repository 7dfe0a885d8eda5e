"""Images at the edge: for a model that reads them or refused, with the place in the client's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.chunk import ImageURL, ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import UserMessage

from gateway.agent.run import RunRequest
from gateway.compose import build_services
from gateway.settings import SettingsError, load_settings
from gateway.storage.memory import MemoryRunStore
from gateway.transcript import TranscriptError, from_chat, to_chat
from gateway.transcript.images import MAX_DATA_URL
from gateway.transcript.parts import characters_of, words_of
from routing.backend import accepts_images
from tests.gateway.conftest import Serve

PNG = "data:image/png;base64,iVBORw0KGgo="


def image(url: Any = PNG, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def asking(*parts: Any) -> list[dict[str, Any]]:
    text = {"type": "text", "text": "What is this?"}
    system = {"role": "system", "content": "Be brief."}
    return [{"role": "user", "content": [text, *parts]}, system]


def test_a_message_with_an_image_keeps_its_parts_and_tells_where_they_stood() -> None:
    transcript = from_chat(asking(image(detail="low"), image("https://example.org/a.png")))
    assert transcript.images == ("messages[0].content[1]", "messages[0].content[2]")
    _, user = transcript.messages
    assert user.content == [
        TextChunk(text="What is this?"),
        ImageURLChunk(image_url=ImageURL(url=PNG, detail="low")),
        ImageURLChunk(image_url=ImageURL(url="https://example.org/a.png")),
    ]


def test_images_survive_the_wire() -> None:
    wire = asking(image(detail="high"), {"type": "text", "text": "And this?"}, image())
    assert to_chat(from_chat(wire).messages) == [wire[1], wire[0]]


def test_mistrals_short_form_is_understood() -> None:
    [part] = to_chat(
        from_chat([{"role": "user", "content": [{"type": "image_url", "image_url": PNG}]}]).messages
    )[0]["content"]
    assert part == {"type": "image_url", "image_url": {"url": PNG}}


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url"}, ".image_url"),
        ({"type": "image_url", "image_url": 5}, ".image_url"),
        (image(None), ".image_url.url"),
        (image(""), ".image_url.url"),
        (image("file:///etc/passwd"), ".image_url.url"),
        (image("https://"), ".image_url.url"),
        (image("http://[::1"), ".image_url.url"),
        (image("https://example.org/" + "a" * 9000), ".image_url.url"),
        (image("data:text/html;base64,PGI+"), ".image_url.url"),
        (image("data:image/png,raw"), ".image_url.url"),
        (image("data:image/png;base64,"), ".image_url.url"),
        (image(PNG + "A" * MAX_DATA_URL), ".image_url.url"),
        (image(detail="huge"), ".image_url.detail"),
        (image(detail=["low"]), ".image_url.detail"),
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, ""),
        ({"type": "file", "file": {}}, ""),
    ],
    ids=range(16),
)
def test_a_part_that_is_no_image_is_refused_with_its_place(part: Any, param: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        from_chat(asking(image(), part))
    assert caught.value.param == f"messages[0].content[2]{param}"
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("role", ["system", "assistant", "tool"])
def test_only_users_send_images(role: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "x", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": role, "content": [image()], "tool_call_id": "a"},
    ]
    if role != "tool":
        messages.insert(2, {"role": "tool", "content": "r", "tool_call_id": "a"})
    with pytest.raises(TranscriptError) as caught:
        from_chat(messages)
    assert caught.value.param == f"messages[{len(messages) - 1}].content[0]"


async def test_a_model_that_reads_text_only_is_not_asked(serve: Serve) -> None:
    gateway = await serve(["never"])
    answer = await gateway.chat(messages=asking(image()))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == ("messages[0].content[1]", "images_not_supported")
    assert gateway.intermediary.turns == []


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"model": "expert"}, True),
        ({"model": "gateway"}, False),
        ({"model": "gateway", "gateway": {"escalation": "always"}}, True),
        ({"model": "intermediary"}, False),
    ],
)
async def test_it_is_the_model_asked_first_that_has_to_read_them(
    body: dict[str, Any], asked: bool, serve: Serve
) -> None:
    gateway = await serve(["small"], expert=["A cat."])
    gateway.expert.accepts_images = True  # type: ignore[union-attr]
    answer = await gateway.chat(messages=asking(image()), **body)
    if asked:
        assert answer.json()["choices"][0]["message"]["content"] == "A cat."
        [turn] = gateway.expert.turns  # type: ignore[union-attr]
        assert isinstance(turn.messages[1].content, list)
    else:
        assert answer.status_code == 400
        assert "'expert' does" in answer.text


async def test_settings_say_which_model_reads_images(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "models: {intermediary: {backend: vllm, model: m, base_url: 'http://x/v1', images: true},"
        " expert: {backend: litellm, model: mistral/large, images: true, grammar: false}}\n"
        f"tools: {{notes_path: {tmp_path}/notes.db}}\n"
    )
    services = build_services(load_settings(path, environ={}))
    assert accepts_images(services.models["intermediary"])
    assert accepts_images(services.models["expert"])
    await services.aclose()


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("backend: llamacpp, model: m.gguf, images: true", "reads text only"),
        ("backend: vllm, model: m, base_url: 'http://x/v1', fold_history: true", "for llamacpp"),
    ],
)
def test_what_a_backend_can_not_do_is_refused_in_the_settings(
    model: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(f"models: {{intermediary: {{{model}}}}}")
    with pytest.raises(SettingsError, match=told):
        load_settings(path, environ={})


async def test_a_large_image_is_reckoned_by_its_tokens_and_not_by_its_length(serve: Serve) -> None:
    gateway = await serve(["A cat."])
    gateway.intermediary.accepts_images = True  # type: ignore[attr-defined]
    large = PNG + "A" * 3_000_000
    answer = await gateway.chat(messages=asking(image(large)), gateway={"max_cost_usd": 0.01})
    assert answer.json()["choices"][0]["message"]["content"] == "A cat."


async def test_kept_images_count_towards_the_bound_of_what_is_kept() -> None:
    [_, message] = from_chat(asking(image(PNG + "A" * 1000))).messages
    assert characters_of(message) == len("What is this?") + len(PNG) + 1000
    assert words_of(message) == "What is this?"
    store = MemoryRunStore(max_characters=900)
    store.begin(RunRequest(messages=(message,), run_id="large"))
    store.begin(RunRequest(messages=(UserMessage(content="Hi"),), run_id="small"))
    assert [log.run_id for log in await store.recent("default", 5)] == ["small"]
