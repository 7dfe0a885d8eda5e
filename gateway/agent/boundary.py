"""The privacy boundary of one run: what is private leaves for the expert as placeholders, and comes back.

    plan = boundary.outgoing(plan, toolset)      the turn as the expert is shown it
    boundary.incoming(ask(…))                    what it says, with the values, as the run goes on with it

What it is: the one place where a turn leaves for somebody else's model. Everything else in a run (rules,
validation, tools, the record, what the client sees) has the true text, and so has the intermediary. The
values and their placeholders live here and are gone with the run: a run that waits for a person is kept with
true arguments and true messages, and gets other placeholders when it goes on.
What it is not: what is private (`policies.privacy`, with the operator's detectors; `tools.sensitive`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from mistral_common.protocol.instruct.chunk import ImageURLChunk, TextChunk
from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    SystemMessage,
    ToolMessage,
)
from mistral_common.protocol.instruct.tool_calls import Tool, ToolCall

from gateway.agent.ask import Heard
from gateway.agent.run import Escalation, LentCall
from policies.filters.sieve import Detector
from policies.privacy.placeholders import Restorer
from policies.privacy.shield import Path, Shield
from routing.backend import TextDelta, Turn
from tools.repair import ParseProblem, parse_arguments
from tools.results import READ_RESULT
from tools.schema import CompiledSchema
from tools.sensitive import has_marks, marked_leaves
from tools.toolset import Toolset

if TYPE_CHECKING:  # plan.py reads the run, which has its boundary
    from gateway.agent.plan import TurnPlan

_NOTE = (
    "Some values are hidden from you: a word that begins with PRIVATE_ stands for each, and the system puts "
    "the value in its place. Where you mean a hidden value, in calls and in answers, write its word exactly as "
    "it stands here. Make up none."
)
_NO_ADDRESS = "[an image, whose address is hidden]"

Marks = CompiledSchema | Literal["anywhere"] | None
"""What marks fields of a result: its schema, nothing, or a schema that it can't be laid beside."""


class Boundary:
    """One run's. `detectors` are the operator's."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._shield = Shield(detectors)

    def outgoing(self, plan: TurnPlan, toolset: Toolset) -> TurnPlan:
        """A plan for the expert with its turn as it may leave."""
        reader = _Reader(plan.turn.messages, toolset)
        for schema, value in reader.structured():
            self._learn(schema, value)
        if plan.loan is not None and plan.loan.held is not None:
            verdict = plan.loan.held.verdict
            for call in (*verdict.runnable, *verdict.handed):
                self._learn(toolset.schema(call.name), call.arguments)
        return replace(plan, turn=self._hidden(plan.turn, reader), boundary=self)

    async def incoming(
        self, heard: AsyncGenerator[TextDelta | Heard, None], *, form: bool = False
    ) -> AsyncGenerator[TextDelta | Heard, None]:
        """What the expert says, with values for placeholders; `form`: its text is JSON."""
        restorer = self._shield.restorer(_within_json) if form else self._shield.restorer()
        said: list[str] = []
        async with aclosing(heard):
            async for item in heard:
                if isinstance(item, TextDelta):
                    text = restorer.feed(item.text)
                else:
                    text = restorer.finish()
                if text:
                    said.append(text)
                    yield TextDelta(text)
                if isinstance(item, Heard):
                    yield self._returned(item, "".join(said))

    def receipt(self, receipt: Escalation, toolset: Toolset) -> Escalation:
        """A receipt with placeholders for what is private in it."""

        def told(call: LentCall) -> LentCall:
            schema = toolset.schema(call.name) if call.name in toolset else None
            return LentCall(call.name, self._arguments(call.arguments, schema))

        return replace(
            receipt,
            detail=self._shield.text(receipt.detail),
            failed=receipt.failed and self._shield.text(receipt.failed),
            proposed=tuple(map(told, receipt.proposed)),
            decided=tuple(map(told, receipt.decided)),
        )

    def _learn(self, schema: CompiledSchema, value: Any) -> None:
        leaves = (_at(value, path) for path in marked_leaves(schema, value))
        told = (e if isinstance(e, str) else json.dumps(e) for e in leaves if not _is_bare(e))
        self._shield.learn(told)

    def _hidden(self, turn: Turn, reader: _Reader) -> Turn:
        shield = self._shield
        messages = [self._message(each, reader) for each in turn.messages]
        tools = tuple(self._tool(each) for each in turn.tools)
        form = turn.output_schema
        turn = replace(
            turn,
            messages=tuple(messages),
            tools=tools,
            output_schema=None if form is None else shield.value(form),
            sampling=replace(turn.sampling, stop=tuple(map(shield.text, turn.sampling.stop))),
            tells_closed=False,  # a call is only whole when its values are back in it
        )
        if not shield.hidden:
            return turn
        # Under the gateway's grammar a pattern could leave no room for a placeholder.
        return replace(turn, messages=_with_note(turn.messages), constrain=False)

    def _message(self, message: ChatMessage, reader: _Reader) -> ChatMessage:
        changed: dict[str, Any] = {}
        if isinstance(message, ToolMessage) and isinstance(message.content, str):
            changed["content"] = self._result(message.content, reader.marks(message))
        elif isinstance(message.content, str):
            changed["content"] = self._shield.text(message.content)
        elif message.content is not None:
            changed["content"] = [self._part(part) for part in cast("list[Any]", message.content)]
        if isinstance(message, AssistantMessage) and message.tool_calls:
            changed["tool_calls"] = [self._call(each, reader) for each in message.tool_calls]
        return message.model_copy(update=changed)

    def _part(self, part: Any) -> Any:
        """A part of a message. Pictures are not looked into, their addresses are."""
        if isinstance(part, ImageURLChunk):
            url = part.get_url()
            hidden = not url.startswith("data:") and self._shield.text(url) != url
            return TextChunk(text=_NO_ADDRESS) if hidden else part
        if isinstance(text := getattr(part, "text", None), str):
            return part.model_copy(update={"text": self._shield.text(text)})
        return part

    def _result(self, content: str, marks: Marks) -> str:
        if marks is None:
            return self._shield.json_text(content)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            return self._shield.whole(content)  # cut, or a plain text: no field can be told apart
        if marks == "anywhere":
            return self._shield.whole(content)
        return self._shield.json_text(content, marked_leaves(marks, value))

    def _call(self, call: ToolCall, reader: _Reader) -> ToolCall:
        return _with_arguments(call, self._arguments(call.function.arguments, reader.schema(call)))

    def _arguments(self, text: str, schema: CompiledSchema | None) -> str:
        """Arguments stay a JSON object, for every engine reads past calls as such."""
        value = parse_arguments(text)
        if isinstance(value, ParseProblem):
            return self._shield.text(text)
        marked: frozenset[Path] = frozenset()
        if schema is not None:
            marked = marked_leaves(schema, value)
        shown = self._shield.value(value, marked)
        written = text if shown == value else _compact(shown)
        if self._shield.text_after(written) != written:
            return _compact({"hidden": self._shield.whole(text)})
        return written

    def _tool(self, tool: Tool) -> Tool:
        function = tool.function
        parts = {
            "description": self._shield.text(function.description),
            "parameters": self._shield.value(function.parameters),
        }
        return tool.model_copy(update={"function": function.model_copy(update=parts)})

    def _returned(self, heard: Heard, text: str) -> Heard:
        completion = heard.completion
        unknown: dict[str, str] = {}
        calls: list[ToolCall] = []
        for call in completion.calls:
            restored, where = self._restored(call)
            calls.append(restored)
            if where is not None:
                unknown[call.id] = where
        changed = text != completion.text or any(
            a is not b for a, b in zip(calls, completion.calls, strict=True)
        )
        notes = heard.notes
        if self._shield.hidden:
            notes = (*notes, f"asked behind the privacy boundary: {self._shield.hidden} hidden")
        logprobs = () if changed else completion.logprobs
        return replace(
            heard,
            completion=replace(completion, text=text, calls=tuple(calls), logprobs=logprobs),
            notes=notes,
            unknown=unknown,
        )

    def _restored(self, call: ToolCall) -> tuple[ToolCall, str | None]:
        """A call with its values, and where in it a placeholder stands that nobody made."""
        raw = call.function.arguments
        value = parse_arguments(raw)
        if isinstance(value, ParseProblem):
            restorer = self._shield.restorer(_within_json)
            text = restorer.feed(raw) + restorer.finish()
            return _with_arguments(call, text), "$" if restorer.unknown else None
        back = _WayBack(self._shield)
        restored = back.value(value, "$")
        if not back.changed:
            return call, None
        return _with_arguments(call, _compact(restored)), back.unknown


class _WayBack:
    """JSON on its way back: texts and keys with their values."""

    def __init__(self, shield: Shield) -> None:
        self._shield = shield
        self.changed = False
        self.unknown: str | None = None

    def value(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            named = cast("dict[str, Any]", value).items()
            return {self._text(n, path): self.value(each, f"{path}.{n}") for n, each in named}
        if isinstance(value, list):
            items = enumerate(cast("list[Any]", value))
            return [self.value(each, f"{path}[{index}]") for index, each in items]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, text: str, path: str) -> str:
        restorer: Restorer = self._shield.restorer()
        restored = restorer.feed(text) + restorer.finish()
        self.changed = self.changed or restored != text
        if restorer.unknown and self.unknown is None:
            self.unknown = path
        return restored


class _Reader:
    """What the tools of a conversation say about its calls and results."""

    def __init__(self, messages: Sequence[ChatMessage], toolset: Toolset) -> None:
        self._messages = messages
        self._toolset = toolset
        calls = [c for m in messages for c in getattr(m, "tool_calls", None) or ()]
        self._names = {call.id: call.function.name for call in calls}
        self._calls: list[ToolCall] = calls
        self._brings_marked = any(map(self._marked_returns, self._names.values()))

    def schema(self, call: ToolCall) -> CompiledSchema | None:
        """The parameters of a call's tool, None for an unknown one."""
        name = call.function.name
        return self._toolset.schema(name) if name in self._toolset else None

    def marks(self, message: ToolMessage) -> Marks:
        """What marks fields of a result."""
        name = self._names.get(message.tool_call_id or "") or message.name or ""
        if name == READ_RESULT.name and self._brings_marked:
            return "anywhere"
        return self._marked_returns(name)

    def structured(self) -> Iterable[tuple[CompiledSchema, Any]]:
        """The calls and results that are JSON, beside their schemas."""
        for call in self._calls:
            value = parse_arguments(call.function.arguments)
            if (schema := self.schema(call)) is not None and not isinstance(value, ParseProblem):
                yield schema, value
        for message in self._messages:
            if not isinstance(message, ToolMessage) or not isinstance(message.content, str):
                continue
            if isinstance(marks := self.marks(message), CompiledSchema):
                try:
                    yield marks, json.loads(message.content)
                except (ValueError, RecursionError):
                    continue

    def _marked_returns(self, name: str) -> CompiledSchema | None:
        returns = self._toolset.returns(name) if name in self._toolset else None
        return returns if returns is not None and has_marks(returns) else None


def _with_note(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """What placeholders are, said behind the instructions that come first."""
    first, *rest = messages
    if isinstance(first, SystemMessage) and isinstance(first.content, str):
        return (first.model_copy(update={"content": f"{first.content}\n\n{_NOTE}"}), *rest)
    return (SystemMessage(content=_NOTE), *messages)


def _with_arguments(call: ToolCall, arguments: str) -> ToolCall:
    if arguments == call.function.arguments:
        return call
    return call.model_copy(
        update={"function": call.function.model_copy(update={"arguments": arguments})}
    )


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _is_bare(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _within_json(value: str) -> str:
    """A value as it stands inside a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]
