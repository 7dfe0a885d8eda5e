"""The hot routes' places in the OpenAPI document: plain ASGI routes do not write their own."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

from gateway.api.wire import ChatRequest

_PREFIX = "#/components/schemas/{model}"


def with_chat(document: dict[str, Any]) -> dict[str, Any]:
    """The document with `POST /v1/chat/completions` in it; adds it once."""
    return _with_post(
        document,
        "/v1/chat/completions",
        ChatRequest,
        {
            "tags": ["chat"],
            "summary": "OpenAI chat completions, streaming and not",
            "operationId": "chat_completions",
        },
        "A chat.completion; with `stream`, its chunks and [DONE]",
    )


def with_responses(document: dict[str, Any]) -> dict[str, Any]:
    """The document with `POST /v1/responses` in it; adds it once."""
    from gateway.api.responses.request import ResponseRequest

    return _with_post(
        document,
        "/v1/responses",
        ResponseRequest,
        {
            "tags": ["responses"],
            "summary": "OpenAI responses: whole, streamed, or in the background",
            "operationId": "create_response",
        },
        "A response; with `stream`, its events and [DONE]",
    )


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its JSON body itself, in the form of `model`."""
    schema = model.model_json_schema()
    schema = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _inlined(schema: Any, named: dict[str, Any]) -> Any:
    """With definitions in the place of references to them, which begin at the document's root."""
    if isinstance(schema, list):
        return [_inlined(each, named) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema)
    if (reference := members.get("$ref")) is not None:
        members = {**named[reference.rpartition("/")[2]], **members}
        del members["$ref"]
    return {key: _inlined(value, named) for key, value in members.items()}


def _with_post(
    document: dict[str, Any],
    path: str,
    model: type[BaseModel],
    operation: dict[str, Any],
    answer: str,
) -> dict[str, Any]:
    if "post" in document["paths"].setdefault(path, {}):
        return document
    schema = model.model_json_schema(ref_template=_PREFIX)
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schema.pop("$defs", {}))
    components[model.__name__] = schema
    body = {"schema": {"$ref": _PREFIX.format(model=model.__name__)}}
    document["paths"][path]["post"] = {
        **operation,
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": {
                "description": answer,
                "content": {"application/json": {}, "text/event-stream": {}},
            }
        },
    }
    return document
