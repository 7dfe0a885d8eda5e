"""The two published descriptions of the Responses API, as judges of what the gateway says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import openresponses_types as open_responses
import orjson
import pytest
from openai.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItemList,
)
from openai.types.responses import (
    CompactedResponse,
    Response,
    ResponseInputItemParam,
    ResponseItem,
    ResponseItemList,
    ResponseStreamEvent,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from openai.types.shared import ErrorObject
from pydantic import BaseModel, TypeAdapter

_OPENAI_EVENTS: dict[str, type[BaseModel]] = {
    get_args(member.model_fields["type"].annotation)[0]: member
    for member in get_args(get_args(ResponseStreamEvent)[0])
}
_OPEN_EVENTS: dict[str, type[BaseModel]] = {
    str(next(iter(each.model_fields["type"].annotation))): each
    for name, each in vars(open_responses).items()
    if name.endswith("StreamingEvent")
}
_OBJECTS: dict[str, tuple[type[BaseModel], ...]] = {
    "list": (ResponseItemList,),
    "conversation": (Conversation,),
    "conversation list": (ConversationItemList,),
    "conversation.deleted": (ConversationDeletedResource,),
    "response.compaction": (CompactedResponse, open_responses.CompactResource),
    "compaction request": (open_responses.CompactResponseMethodPublicBody,),
}
_OPENAI_ITEM: TypeAdapter[Any] = TypeAdapter(ResponseItem)
_OPENAI_INPUT: TypeAdapter[Any] = TypeAdapter(ResponseInputItemParam)


@cache
def _request() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseCreateParamsNonStreaming | ResponseCreateParamsStreaming)


@dataclass(frozen=True)
class Judge:
    """Fails unless a value is what both packages say, and comes back from their types unchanged."""

    def response(self, value: Mapping[str, Any]) -> None:
        self._same(Response, value)
        self._covers(open_responses.ResponseResource, _as_written_down(value))

    def event(self, value: Mapping[str, Any]) -> None:
        kind = value["type"]
        assert kind in _OPENAI_EVENTS
        assert kind in _OPEN_EVENTS
        self._same(_OPENAI_EVENTS[kind], value)
        self._covers(_OPEN_EVENTS[kind], _as_written_down(value))

    def item(self, value: Mapping[str, Any]) -> None:
        """An item as it is listed; it may be sent back as input, too."""
        _OPENAI_ITEM.validate_json(orjson.dumps(value), strict=True)
        _OPENAI_INPUT.validate_python(dict(value))

    def request(self, value: Mapping[str, Any]) -> None:
        """A body that an app of either package could send."""
        _request().validate_python(dict(value))
        open_responses.CreateResponseBody.model_validate_json(orjson.dumps(value), strict=True)

    def error(self, value: Mapping[str, Any]) -> None:
        """What stands below `error` in an answer."""
        self._same(ErrorObject, value)
        open_responses.ErrorPayload.model_validate_json(orjson.dumps(value), strict=True)

    def object(self, kind: str, value: Mapping[str, Any]) -> None:
        """Any other object of the surface, or a request for one."""
        for each in _OBJECTS[kind]:
            each.model_validate_json(orjson.dumps(value), strict=True)

    def _same(self, kind: type[BaseModel], value: Mapping[str, Any]) -> None:
        read = kind.model_validate_json(orjson.dumps(value), strict=True)
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == value

    def _covers(self, kind: type[BaseModel], value: Mapping[str, Any]) -> None:
        """Whatever the type knows of is as it was; what it doesn't know is ours to say."""
        read = kind.model_validate_json(orjson.dumps(value), strict=True)
        assert _within(read.model_dump(mode="json", by_alias=True, exclude_unset=True), value)


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return part == whole


def _as_written_down(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open Responses allows nothing but null as the `schema` of a response's format: a slip of its.

    The openai client wants the schema, and so does everyone who reads it.
    """
    changed = copy.deepcopy(dict(value))
    match changed.get("response", changed).get("text"):
        case {"format": {"schema": _} as form}:
            form["schema"] = None
        case _:
            pass
    return changed


@pytest.fixture(scope="session")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="session")
def in_order() -> Callable[[list[dict[str, Any]]], None]:
    """Checks what has to hold of the events of every stream, whatever is in it."""
    return _in_order


def _in_order(events: list[dict[str, Any]]) -> None:
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"] for event in events]
    start = ["response.created", "response.in_progress"]
    if events[0]["response"]["status"] == "queued":
        start.insert(1, "response.queued")
    assert kinds[: len(start)] == start
    final = events[-1]
    if final["type"] == "error":
        return
    made = final["response"]
    assert final["type"] == f"response.{made['status']}"
    items: dict[int, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    for event in events[len(start) : -1]:
        kind, index = event["type"].removeprefix("response."), event["output_index"]
        if kind == "output_item.added":
            assert index == len(items)
            assert event["item"]["status"] == "in_progress"
            items[index] = event["item"]
        elif kind == "output_item.done":
            assert items[index]["id"] == event["item"]["id"]
            items[index] = event["item"]
        else:
            assert event["item_id"] == items[index]["id"]
            _follow_text(texts, kind, event)
    if made["status"] != "failed":
        assert made["output"] == list(items.values())


def _follow_text(texts: dict[str, str], kind: str, event: dict[str, Any]) -> None:
    """Deltas add up to what is said at their end; a summary has several parts, one after another."""
    item_id = event["item_id"]
    if kind.endswith("part.added"):
        texts[item_id] = ""
    elif kind.endswith(".delta"):
        assert event["delta"]
        texts[item_id] = texts.get(item_id, "") + event["delta"]
    elif kind.endswith("part.done"):
        assert texts[item_id] == event["part"].get("text", event["part"].get("refusal"))
    else:
        [said] = (event[key] for key in ("text", "arguments", "refusal") if key in event)
        assert texts[item_id] == said
