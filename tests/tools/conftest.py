from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from tools.executor import CallContext
from tools.spec import Annotations, ToolSpec, ValidCall

Arguments = Mapping[str, Any] | str


@pytest.fixture
def make_call() -> Callable[..., ToolCall]:
    def make(name: str, arguments: Arguments = "{}", call_id: str = "abcdefghi") -> ToolCall:
        raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return ToolCall(id=call_id, function=FunctionCall(name=name, arguments=raw))

    return make


@pytest.fixture
def make_spec() -> Callable[..., ToolSpec]:
    def make(
        name: str = "probe", parameters: Mapping[str, Any] | None = None, **more: Any
    ) -> ToolSpec:
        hints = {k: more.pop(k) for k in ("read_only", "idempotent", "destructive") if k in more}
        return ToolSpec(
            name,
            more.pop("description", "A probe."),
            parameters if parameters is not None else {"type": "object", "properties": {}},
            annotations=Annotations(**hints),
            **more,
        )

    return make


class Recorder:
    """An executor that answers from a list (an exception is raised) and remembers its calls."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[ValidCall, CallContext]] = []

    async def execute(self, call: ValidCall, context: CallContext) -> Any:
        self.calls.append((call, context))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder
