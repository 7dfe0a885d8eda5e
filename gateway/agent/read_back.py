"""Settling an unknown effect by looking: the read-only tool that its author named for that.

A read that finds something says done, one that finds nothing says not done, one that fails says nothing.
It is asked no sooner than `after_s` seconds after the call, when what the call did can be seen.

A gateway that was cut off may still have the call under way, and what it sent may still be in the network. So
what was not found then is asked for once more when nothing can come any more: when the call's own time is
over, and that for which a connection waits for the other side (`UNHEARD_S`).
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
from tools.executor import UNHEARD_S, CallContext
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
    at_latest_s = tools.get(entry.intent.tool).timeout_s + UNHEARD_S
    try:
        async with asyncio.timeout_at(context.deadline):
            await _until(entry, how.after_s)
            found = _judged(how, await tools.execute(call, context))
            if found is not None and found.state == "not_done" and entry.may_be_under_way:
                await _until(entry, max(at_latest_s, how.after_s))
                found = _judged(how, await tools.execute(call, context))
    except TimeoutError:
        return None
    return found


async def _until(entry: Entry, after_s: float) -> None:
    await asyncio.sleep(entry.created_at + after_s - time.time())


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
