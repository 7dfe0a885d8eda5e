"""TensorZero's embedded gateway behind one route, as an app would use it in its own process.

A turn with the app's tools: the same server (uvicorn with uvloop) as the others, its observability off.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

CONFIG = """
[gateway]
observability.enabled = false
[models.m]
routing = ["mock"]
[models.m.providers.mock]
type = "openai"
model_name = "m"
api_base = "http://127.0.0.1:18000/v1/"
api_key_location = "none"
"""


@asynccontextmanager
async def embedded(app: FastAPI) -> AsyncGenerator[None]:
    """Start it with the application."""
    # Only in the environment that this runs in, not in the gateway's.
    tensorzero: Any = importlib.import_module("tensorzero")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tensorzero.toml"
        file.write_text(CONFIG)
        app.state.gateway = await tensorzero.AsyncTensorZeroGateway.build_embedded(
            config_file=str(file)
        )
        yield


app = FastAPI(lifespan=embedded)


@app.post("/v1/chat/completions")
async def complete(request: Request) -> Response:
    """One turn, in the form of a chat completion."""
    asked = orjson.loads(await request.body())
    system, user = asked["messages"]
    tools = [{**one["function"], "strict": False} for one in asked["tools"]]
    answer = await request.app.state.gateway.inference(
        model_name="m",
        input={
            "system": system["content"],
            "messages": [{"role": "user", "content": user["content"]}],
        },
        additional_tools=tools,
        dryrun=True,
    )
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.raw_name, "arguments": call.raw_arguments},
        }
        for call in answer.content
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    body = {
        "id": "chatcmpl-x",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    }
    return Response(orjson.dumps(body), media_type="application/json")
