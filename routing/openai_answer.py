"""From the chunks of a streamed chat completion to text and one `Completion`.

What it is: an accumulator that takes what OpenAI-compatible engines really send: calls whose pieces
are interleaved, whose id comes late or whose name is repeated, arguments sent twice (vLLM #51697) or
as an object, several calls under one index.
What it is not: a judge of calls. Arguments are handed on as they came, cut or broken; only whether
the *stream* is whole is decided here, and `finish_reason` proves nothing about that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mistral_common.protocol.instruct.tool_calls import ToolCall

from routing.backend import CallClosed, Completion, TokenLogprob, Usage
from routing.closing import MOST_LOOKS, is_whole
from routing.errors import BackendProtocolError
from routing.native import new_call_id
from routing.openai_wire import is_mistral_id

JSONObject = Mapping[str, Any]


@dataclass(slots=True)
class CallDraft:
    """One call as far as it has come.

    `given_id` is the one that it has in the completion, once it is given, and `call` what was made of it;
    None where it has gone on since.
    """

    index: int
    id: str = ""
    given_id: str = ""
    name: str = ""
    arguments: str = ""
    call: ToolCall | None = None


class AnswerReader:
    """Feed it a stream's chunks, then ask for the completion.

    `text_after_calls_is_tail`: an engine that parses native calls (vLLM) hands over what the model
    wrote behind the list as content; it is no answer. Elsewhere text beside calls is meant.
    """

    def __init__(self, *, text_after_calls_is_tail: bool = True) -> None:
        self.text_after_calls_is_tail = text_after_calls_is_tail
        self.text: list[str] = []
        self.tail: list[str] = []
        self.drafts: list[CallDraft] = []
        self.token_ids: list[int] = []
        self.logprobs: list[TokenLogprob] = []
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.model = ""
        self._ids: set[str] = set()
        self._told = 0
        self._looks = 0

    def feed(self, chunk: Any) -> str:
        """Take one chunk; the text it adds to the answer, `""` when none.

        Raises `BackendProtocolError` when it is no chunk at all.
        """
        if chunk.__class__ is not dict:
            raise _no_object(chunk, "a chunk")
        said = ""
        choices = chunk.get("choices")
        if choices.__class__ is list:
            for choice in choices:
                if choice.__class__ is not dict:
                    raise _no_object(choice, "a choice")
                if not choice.get("index"):
                    said += self._choice(choice)
        if (model := chunk.get("model")) and isinstance(model, str):
            self.model = model
        if usage := chunk.get("usage"):
            self.usage = _usage(_object(usage, "usage"))
        return said

    def is_whole(self, *, ended: bool) -> bool:
        """Whether all of it came. `ended` tells that the protocol's own end (`[DONE]`) was seen.

        Without that end, an answer counts as whole when it says why it finished and its calls can
        be read; a reason alone is what a cut stream is given by proxies, too.
        """
        if ended:
            return self.finish_reason is not None or self.usage is not None
        if self.finish_reason is None:
            return False
        return all(_is_json(draft.arguments or "{}") for draft in self.drafts)

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls in the order in which they began, under ids that are unique in the turn."""
        return tuple([self._call_of(draft) for draft in self.drafts])

    def closed(self) -> list[CallClosed]:
        """The calls whose arguments became whole since this was asked the last time."""
        news: list[CallClosed] = []
        while self._told < len(self.drafts) and self._is_whole(self.drafts[self._told]):
            news.append(CallClosed(self._call_of(self.drafts[self._told])))
            self._told += 1
        return news

    def _is_whole(self, draft: CallDraft) -> bool:
        if not draft.arguments.endswith(("}", "}\n", "} ")) or self._looks >= MOST_LOOKS:
            return False
        self._looks += 1
        return is_whole(draft.arguments)

    def _call_of(self, draft: CallDraft) -> ToolCall:
        if draft.call is None:
            if not draft.given_id:
                draft.given_id = self._new_id(draft.id)
            function = {"name": draft.name, "arguments": _without_echo(draft.arguments)}
            draft.call = ToolCall.model_validate({"id": draft.given_id, "function": function})
        return draft.call

    def _new_id(self, told: str) -> str:
        """The id that the engine told, where it may stand and no other call of the turn has it."""
        call_id = told if is_mistral_id(told) else new_call_id()
        while call_id in self._ids:
            call_id = new_call_id()
        self._ids.add(call_id)
        return call_id

    def completion(self) -> Completion:
        """Everything that came."""
        return Completion(
            text="".join(self.text),
            calls=self.calls(),
            finish_reason=self.finish_reason or "stop",
            usage=self.usage or Usage(),
            model=self.model,
            logprobs=tuple(self.logprobs),
            tail="".join(self.tail),
        )

    def _choice(self, choice: JSONObject) -> str:
        """Take what there is of the usual fields; asked for one by one, since this is done for each token."""
        if (reason := choice.get("finish_reason")) is not None and isinstance(reason, str):
            self.finish_reason = reason
        new_ids: Sequence[int] = ()
        if told := choice.get("token_ids"):
            new_ids = _ints(told)
            self.token_ids += new_ids
        if logprobs := choice.get("logprobs"):
            self._logprobs(_object(logprobs, "logprobs"), new_ids)
        if not (delta := choice.get("delta")):
            return ""
        if delta.__class__ is not dict:
            raise _no_object(delta, "a delta")
        text = ""
        if content := delta.get("content"):
            text = content if content.__class__ is str else _text(content)
            if not (self.drafts and self.text_after_calls_is_tail):
                self.text.append(text)
            else:
                self.tail.append(text)
                text = ""
        if calls := delta.get("tool_calls"):
            for call in _objects(calls):
                self._call(call)
        return text

    def _call(self, delta: JSONObject) -> None:
        fields = _object(delta.get("function") or {}, "a function")
        name, call_id = fields.get("name"), delta.get("id")
        draft = self._draft(
            delta.get("index"),
            call_id if isinstance(call_id, str) else "",
            name if isinstance(name, str) else "",
        )
        draft.call = None
        arguments = fields.get("arguments")
        if isinstance(arguments, str):
            draft.arguments += arguments
        elif arguments is not None:
            draft.arguments += json.dumps(arguments, ensure_ascii=False)

    def _draft(self, index: object, call_id: str, name: str) -> CallDraft:
        """The call that a delta belongs to: a new one, or one that goes on."""
        known = self._known(index, call_id)
        if known is None or _begins_another(known, call_id, name):
            known = CallDraft(
                index if isinstance(index, int) else len(self.drafts), call_id, "", name
            )
            self.drafts.append(known)
            return known
        known.id = known.id or call_id
        if name and name != known.name and not known.arguments:
            known.name += name
        return known

    def _known(self, index: object, call_id: str) -> CallDraft | None:
        """The latest call under `index`; without an index the one with that id, or the latest."""
        by_index = isinstance(index, int)
        for draft in reversed(self.drafts):
            if (draft.index == index) if by_index else (draft.id == call_id or not call_id):
                return draft
        return None

    def _logprobs(self, logprobs: JSONObject, token_ids: Sequence[int]) -> None:
        tokens = _objects(logprobs.get("content"))
        ids: list[int | None] = [*token_ids] if len(token_ids) == len(tokens) else []
        for position, token in enumerate(tokens):
            alternatives = (_token(other) for other in _objects(token.get("top_logprobs")))
            text, logprob = _token(token)
            token_id = ids[position] if ids else None
            self.logprobs.append(TokenLogprob(text, logprob, token_id, tuple(alternatives)))


def _begins_another(known: CallDraft, call_id: str, name: str) -> bool:
    """Some engines send every call under index 0: another id with a name is another call."""
    return bool(name and call_id and known.id and call_id != known.id)


def _without_echo(arguments: str) -> str:
    """Arguments that were sent twice in full, once: `{…}{…}` is never what a model meant."""
    half, odd = divmod(len(arguments), 2)
    if odd or not half or arguments[:half] != arguments[half:] or _is_json(arguments):
        return arguments
    return arguments[:half] if _is_json(arguments[:half]) else arguments


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _token(token: JSONObject) -> tuple[str, float]:
    text, logprob = token.get("token"), token.get("logprob")
    return (
        text if isinstance(text, str) else "",
        float(logprob) if isinstance(logprob, int | float) else 0.0,
    )


def _usage(usage: JSONObject) -> Usage:
    details = usage.get("prompt_tokens_details")
    cached = _object(details, "usage details").get("cached_tokens") if details else 0
    return Usage(
        _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached)
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _text(content: object) -> str:
    """The text of a list of typed parts, as Mistral writes content."""
    texts = (part.get("text") for part in _objects(content))
    return "".join(text for text in texts if isinstance(text, str))


def _ints(value: Any) -> list[int]:
    if value.__class__ is not list:
        return []
    return [item for item in value if isinstance(item, int)]


def _objects(value: Any) -> Sequence[JSONObject]:
    if value.__class__ is not list:
        return ()
    for item in value:
        if item.__class__ is not dict:
            raise _no_object(item, "an item")
    return value


def _object(value: Any, what: str) -> JSONObject:
    if value.__class__ is not dict:
        raise _no_object(value, what)
    return value


def _no_object(value: object, what: str) -> BackendProtocolError:
    return BackendProtocolError(f"{what} is no JSON object: {str(value)[:200]!r}")
