"""docs/reference/events.md, from what is streamed: a run's events, a response's, a chat's chunks."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from scripts.reference.writing import code, head, table, whole

_ABOUT = "What comes over a stream of server-sent events, by the route that streams it."
_RUN = (
    "`GET /v1/runs/{id}/events`: everything that happens in a run, for those who watch it. `event:` is the name,"
    " `data:` a JSON object. Each also stands in the run's record."
)
_RESPONSE = (
    "`POST /v1/responses` with `stream`, its WebSocket, and `GET /v1/responses/{id}?stream=true`: as Open Responses"
    " has them. Each has `type`, which `event:` repeats, and `sequence_number`, from 0 without a gap. A stream ends"
    " in `data: [DONE]`. The fields beside those two:"
)
_CHAT = (
    "`POST /v1/chat/completions` with `stream`: `chat.completion.chunk` objects without `event:`, as OpenAI has them;"
    " the last one carries `gateway` (the run's id, steps, escalations, cost), then `data: [DONE]`. An error after"
    ' the stream has begun is a chunk `{"error": {"message", "type", "param", "code"}}`.'
)


def page() -> str:
    """The page."""
    lines = head("Events of streams", "gateway/agent/ and gateway/api/responses/", _ABOUT)
    lines += ["", "## Runs", "", _RUN]
    lines += table(("event", "its object", ""), _run_events())
    lines += ["", "## Responses", "", _RESPONSE]
    lines += table(("type", "fields"), _response_events())
    lines += ["", "## Chat completions", "", _CHAT]
    return whole(lines)


def _run_events() -> list[tuple[str, str, str]]:
    """The cases of the match that names them, each with the docstring of its class."""
    from gateway.agent import events, named_events

    rows: list[tuple[str, str, str]] = []
    for case in _all(inspect.getsource(named_events), ast.match_case):
        match case.pattern, case.body[0]:
            case ast.MatchClass(cls=ast.Name(id=kind)), ast.Return(value=ast.Call(args=args)):
                [name, data] = args
                told = inspect.getdoc(getattr(events, kind)) or ""
                rows.append((code(ast.literal_eval(name)), _fields(data), told.split("\n\n")[0]))
            case _:
                pass
    return rows


def _fields(data: ast.expr) -> str:
    """The names in a literal object; what another function adds is named by that function."""
    match data:
        case ast.Dict(keys=keys, values=values):
            parts = [
                code(ast.literal_eval(key)) if key is not None else _fields(value)
                for key, value in zip(keys, values, strict=True)
            ]
            return ", ".join(parts)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="trace"), attr=made)):
            from gateway.agent import trace

            return _returned(getattr(trace, made))
        case _:
            return ""


def _returned(function: Any) -> str:
    """What stands in the objects that a function of `gateway.agent.trace` gives."""
    names: dict[str, None] = {}
    for made in _all(inspect.getsource(function), ast.Dict):
        for key in made.keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names[code(key.value)] = None
        break  # the outermost comes first
    return ", ".join(names)


def _response_events() -> list[tuple[str, str]]:
    from gateway.api.responses import acts, output

    fields: dict[str, dict[str, None]] = {}
    for module in (output, acts):
        for function in _all(inspect.getsource(module), ast.FunctionDef):
            shared = _shared(function)
            for name, keywords in _told_in(function):
                known = fields.setdefault(name, {})
                for keyword in keywords:
                    known |= dict.fromkeys([keyword.arg] if keyword.arg else shared)
    whole_response = (f"response.{status}" for status in ("completed", "incomplete", "cancelled"))
    for name in (*whole_response, *_about_response(output)):
        fields.setdefault(name, {"response": None})
    return [(code(name), ", ".join(map(code, known))) for name, known in sorted(fields.items())]


def _told_in(function: ast.FunctionDef) -> list[tuple[str, list[ast.keyword]]]:
    """The events that a function makes: their types, and what it says of each."""
    found: list[tuple[str, list[ast.keyword]]] = []
    for call in ast.walk(function):
        match call:
            case ast.Call(func=ast.Attribute(attr="_event"), args=[ast.Constant(value=str(name))]):
                found.append((name, call.keywords))
            case _:
                pass
    return found


def _about_response(module: Any) -> list[str]:
    found: list[str] = []
    for call in _all(inspect.getsource(module), ast.Call):
        match call.func, call.args:
            case ast.Attribute(attr="_about_response"), [ast.Constant(value=str(name))]:
                found.append(name)
            case _:
                pass
    return found


def _shared(function: ast.FunctionDef) -> list[str]:
    """The names that a function's `**at`, or `**flat`, puts into each of its events."""
    found: list[str] = []
    for each in ast.walk(function):
        match each:
            case (
                ast.AnnAssign(target=ast.Name(id="at" | "flat"), value=ast.Dict(keys=keys))
                | ast.Assign(targets=[ast.Name(id="at" | "flat")], value=ast.Dict(keys=keys))
            ):
                found += [ast.literal_eval(key) for key in keys if key is not None]
            case _:
                pass
    return found


def _all(source: str, kind: type[Any]) -> list[Any]:
    import textwrap

    return [each for each in ast.walk(ast.parse(textwrap.dedent(source))) if isinstance(each, kind)]
