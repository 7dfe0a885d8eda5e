"""What a message's content says and weighs, whether it is a text or parts with images among them."""

from __future__ import annotations

from mistral_common.protocol.instruct.chunk import ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import ChatMessage

_BREAK = "\n\n"


def words_of(message: ChatMessage) -> str:
    """The text of a message, without its images: what can be searched and compared."""
    content = message.content
    if content is None or isinstance(content, str):
        return content or ""
    return _BREAK.join(chunk.text for chunk in content if isinstance(chunk, TextChunk))


def images_in(message: ChatMessage) -> list[str]:
    """The URLs of a message's images; a data URL may have megabytes."""
    content = message.content
    if content is None or isinstance(content, str):
        return []
    return [chunk.get_url() for chunk in content if isinstance(chunk, ImageURLChunk)]


def characters_of(message: ChatMessage) -> int:
    """What keeping a message's content costs, in characters, its images' URLs included."""
    if isinstance(message.content, str):
        return len(message.content)  # nearly every message
    return len(words_of(message)) + sum(map(len, images_in(message)))
