"""Client conversations and the canonical one, in both directions, without loss.

What it is: pure functions between the messages of a wire format and a tuple of mistral-common's
messages, and the bijection between a client's call ids and the model's (`CallIds`).
What it is not: HTTP, schemas of tools, or rendering for a tokenizer; a backend that can't say two
things in one message (V3 has no content beside calls) splits them for itself.

Canonical means: system messages first, content is text (a user's may hold images), call ids are nine
alphanumerics, every call has exactly one result behind it, and the last word is not the model's.
"""

from gateway.transcript.chat import Transcript, from_chat, to_chat
from gateway.transcript.errors import TranscriptError
from gateway.transcript.ids import CallIds

__all__ = ["CallIds", "Transcript", "TranscriptError", "from_chat", "to_chat"]
