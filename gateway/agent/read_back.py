"""Settling an unknown effect by looking: the read-only tool that its author named for that.

A read that finds something says done, one that finds nothing says not done, one that fails says nothing.
It is asked no sooner than `after_s` seconds after the call, when what the call did can be seen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any, cast

import orjson
from mistral_common.protocol.instruct.tool_calls import FunctionCall, ToolCall

from gateway.storage.ledger import Entry, Receipt
from routing.native import new_call_id
from tools.errors import UnknownTool
from tools.executor import CallContext
from tools.spec import Effect, InvalidCall, JSONObject, ReadBack, ToolResult
from tools.toolset import Toolset

log = logging.getLogger("gateway.effects")


async def read_back(entry: Entry, tools: Toolset, context: CallContext) -> Receipt | None:
    """What the read-back of the entry's tool says; None when there is none, or it does not say."""
    try:
        how = tools.get(entry.intent.tool).read_back
    except UnknownTool:
        return None
    if how is None:
        return None
    raw = json.dumps({name: _value(ref, entry) for name, ref in how.arguments.items()})
    call = tools.check(
        ToolCall(id=new_call_id(), function=FunctionCall(name=how.tool, arguments=raw))
    )
    if isinstance(call, InvalidCall):
        log.error("the read-back of %s can't be called: %s", entry.intent.tool, call.message)
        return None
    if call.tool.effect is not Effect.READ or call.tool.cache_s > 0:
        log.error("the read-back of %s is no read, or cached: %s", entry.intent.tool, how.tool)
        return None
    try:
        async with asyncio.timeout_at(context.deadline):
            await asyncio.sleep(entry.created_at + how.after_s - time.time())
            result = await tools.execute(call, context)
    except TimeoutError:
        return None
    return _judged(how, result)


def _value(reference: Any, entry: Entry) -> Any:
    if reference == "$key":
        return entry.intent.key
    if isinstance(reference, str) and reference.startswith("$."):
        return entry.intent.arguments.get(reference[2:])
    return reference


def _judged(how: ReadBack, result: ToolResult) -> Receipt | None:
    told = f"{how.tool} was asked"
    if not result.is_error:
        found = _parsed(result.content)
        if found in (None, False, "", [], {}):
            return Receipt("not_done", "read_back", note=f"{told} and found nothing")
        return Receipt("done", "read_back", {"found": found}, f"{told} and found it")
    said = _parsed(result.content)
    text = str(cast("JSONObject", said).get("error", "")) if isinstance(said, dict) else ""
    if text.startswith(how.absent):
        return Receipt("not_done", "read_back", note=f"{told} and said {text[:200]}")
    return None


def _parsed(content: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.strip()
