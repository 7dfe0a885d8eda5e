"""What llama.cpp streams, gathered into a `Completion`: text before `[TOOL_CALLS]`, calls behind it."""

from __future__ import annotations

from typing import Any

from routing.backend import CallClosed, Completion, TokenLogprob, Usage
from routing.closing import ClosedCalls
from routing.errors import BackendProtocolError
from routing.native import parse_call_list
from routing.spelling import LIST_SPELLING, CallSpelling


class LlamaAnswer:
    """Feed it the chunks of one `/completion` stream, in order. `spelling` is the tokenizer version's.

    Control tokens have no text in these chunks; the id of `[TOOL_CALLS]` is what tells a call from
    text that merely looks like one. A character that several tokens spell is one entry in the
    log-probabilities, with that of its last token: llama.cpp reports no more of it.
    """

    def __init__(self, model: str, spelling: CallSpelling = LIST_SPELLING) -> None:
        self._model = model
        self._spelling = spelling
        self._text: list[str] = []
        self._call_text: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._last: dict[str, Any] | None = None
        self._closed = ClosedCalls()

    def take(self, chunk: dict[str, Any]) -> str:
        """The text that becomes visible by `chunk`, possibly none."""
        try:
            return self._take(chunk)
        except (KeyError, TypeError, AttributeError) as error:
            message = f"llama.cpp sent a chunk that can't be read: {error!r}"
            raise BackendProtocolError(message) from error

    def closed(self, chunk: dict[str, Any]) -> list[CallClosed]:
        """The calls whose arguments became whole by `chunk`, which was taken before."""
        if not self._call_text or "}" not in chunk.get("content", ""):  # the last one has none
            return []
        return self._closed.news_of("".join(self._call_text))

    def _take(self, chunk: dict[str, Any]) -> str:
        for token in chunk.get("completion_probabilities", ()):
            self._logprobs.append(self._logprob(token))
        if chunk["stop"]:
            self._last = chunk
            return ""
        content: str = chunk["content"]
        text = ""
        if not self._call_text:
            text = content  # what is in the marker's own chunk stands before it
            self._text.append(text)
        else:
            self._call_text.append(content)
        for token in chunk["tokens"]:
            if token == self._spelling.calls or self._call_text:
                self._call_text.append(self._spelling.marker(token))
        return text

    def completion(self) -> Completion:
        """The whole answer. Raises `BackendProtocolError` when the stream ended without its end."""
        if self._last is None:
            raise BackendProtocolError("llama.cpp's answer was cut")
        found = parse_call_list("".join(self._call_text))
        calls = self._closed.under_their_ids(found.calls)
        reason = "tool_calls" if calls else "stop"
        return Completion(
            text="".join(self._text),
            calls=calls,
            finish_reason="length" if self._last.get("stop_type") == "limit" else reason,
            usage=Usage(
                prompt_tokens=int(self._last.get("tokens_evaluated", 0)),
                completion_tokens=int(self._last.get("tokens_predicted", 0)),
                cached_tokens=int(self._last.get("timings/cache_n", 0)),
            ),
            model=self._model,
            logprobs=tuple(self._logprobs),
            tail=found.tail,
        )

    def _logprob(self, token: dict[str, Any]) -> TokenLogprob:
        return TokenLogprob(
            text=self._text_of(token),
            logprob=token["logprob"],
            token_id=token["id"],
            alternatives=tuple(
                (self._text_of(other), other["logprob"]) for other in token.get("top_logprobs", ())
            ),
        )

    def _text_of(self, token: dict[str, Any]) -> str:
        return self._spelling.marker(token["id"]) or token["token"]
