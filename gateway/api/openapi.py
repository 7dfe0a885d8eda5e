"""The chat route's place in the OpenAPI document: plain ASGI routes do not write their own."""

from __future__ import annotations

from typing import Any

from gateway.api.wire import ChatRequest

_PREFIX = "#/components/schemas/{model}"


def with_chat(document: dict[str, Any]) -> dict[str, Any]:
    """The document with `POST /v1/chat/completions` in it; adds it once."""
    if "/v1/chat/completions" in document["paths"]:
        return document
    schema = ChatRequest.model_json_schema(ref_template=_PREFIX)
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schema.pop("$defs", {}))
    components["ChatRequest"] = schema
    document["paths"]["/v1/chat/completions"] = {
        "post": {
            "tags": ["chat"],
            "summary": "OpenAI chat completions, streaming and not",
            "operationId": "chat_completions",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"$ref": _PREFIX.format(model="ChatRequest")}}
                },
            },
            "responses": {
                "200": {
                    "description": "A chat.completion; with `stream`, its chunks and [DONE]",
                    "content": {"application/json": {}, "text/event-stream": {}},
                }
            },
        }
    }
    return document
