"""Results that are no text become lines that name a kept file, from MCP servers and HTTP alike."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from tools.errors import ToolFailed
from tools.files import FileContent, Mixed
from tools.mcp.result import value_of

DATA = b"\x89PNG" * 10
CODED = base64.b64encode(DATA).decode()


def block(kind: str, **fields: Any) -> Any:
    return SimpleNamespace(type=kind, **fields)


def result(*content: Any, structured: Any = None, is_error: bool = False) -> Any:
    return SimpleNamespace(content=content, structured_content=structured, is_error=is_error)


async def told(value: Any) -> tuple[str, list[FileContent]]:
    kept: list[FileContent] = []

    async def keep(file: FileContent) -> str:
        kept.append(file)
        return f"f_{len(kept)}"

    assert isinstance(value, Mixed)
    return await value.told(keep), kept


async def test_images_and_resources_stand_between_the_texts() -> None:
    blob = SimpleNamespace(mime_type="application/pdf", uri="file:///a.pdf", blob=CODED)
    brought = result(
        block("text", text="Here."),
        block("image", data=CODED, mime_type="image/png"),
        block("resource", resource=blob),
    )
    text, kept = await told(value_of(brought))
    assert text == (
        "Here.\n[image f_1, image/png, 40 bytes]\n"
        "[file f_2, application/pdf, 40 bytes: file:///a.pdf]"
    )
    assert [each.data for each in kept] == [DATA, DATA]


async def test_data_with_an_image_is_data_and_a_line() -> None:
    brought = result(block("image", data=CODED, mime_type="image/png"), structured={"n": 1})
    assert (await told(value_of(brought)))[0] == '{"n":1}\n[image f_1, image/png, 40 bytes]'


def test_text_and_data_alone_are_what_they_were() -> None:
    assert value_of(result(block("text", text="a"), block("text", text="b"))) == "a\nb"
    assert value_of(result(structured={"n": 1})) == {"n": 1}
    inner = SimpleNamespace(text="words", uri="file:///a.txt", mime_type="text/plain")
    assert value_of(result(block("resource", resource=inner))) == "words"


async def test_where_nobody_keeps_files_there_is_no_handle() -> None:
    value = value_of(result(block("audio", data="!", mime_type="audio/ogg")))
    assert isinstance(value, Mixed)
    assert await value.told(None) == value.without_files() == "[audio, audio/ogg, 0 bytes]"


def test_a_failure_is_told_in_words() -> None:
    image = block("image", data=CODED, mime_type="image/png")
    with pytest.raises(ToolFailed, match=r"no\n\[image, image/png, 40 bytes\]"):
        value_of(result(block("text", text="no"), image, is_error=True))
