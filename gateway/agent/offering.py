"""Which tools a run is offered: all that it may call, or, where they are many, those that fit.

What it is: the choice at the beginning of a run, and the tool `find_tools` by which the model asks for
others. Up to a number of permitted tools nothing is chosen. Above it, those that stay in any case
(pinned, named by the request, called before in the conversation) come first, then those that the index
ranks best for what the user said, in the order of registration: the same choice is the same prompt.
What it is not: permission. Every tool that is taken from the ranking is asked of policy first, so that
one that the caller may not see is neither offered nor found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from mistral_common.protocol.instruct.messages import (
    AssistantMessage,
    ChatMessage,
    ToolMessage,
    UserMessage,
)

from gateway.agent.run import RunRequest
from gateway.transcript.parts import words_of
from policies.policy import Policy, Subject
from routing.backend import NamedTool
from tools.executor import CallContext
from tools.near import normalised
from tools.registry import Registry
from tools.retrieval.index import Weighted
from tools.spec import Annotations, JSONObject, ToolSpec, ValidCall
from tools.toolset import Entry, Toolset, compile_entry
from tools.versions import SEPARATOR

FIND_TOOLS = "find_tools"
"""The name of the function by which a model asks for tools that were not offered."""

_FOUND = 8
_EARLIER = 3
_EARLIER_WEIGHT = 0.3
_SHOWN = 200
_HERE_NOW = "These tools can be called now."
_NONE = "No tool is about that: ask in other words, or answer without one."
_SPEC = ToolSpec(
    name=FIND_TOOLS,
    description="Search for more tools than the ones shown here. Found tools can be called afterwards.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What the tool should do", "maxLength": 500}
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    annotations=Annotations(read_only=True, idempotent=True),
)


@dataclass(frozen=True, slots=True)
class OfferOptions:
    """Where more than `above` tools are permitted, `most` are offered; `above` None: always all.

    `pinned` are names of tools that stay in any case, beyond `most`.
    """

    above: int | None = 64
    most: int = 20
    pinned: tuple[str, ...] = ()


async def look_ahead(request: RunRequest, registry: Registry, options: OfferOptions) -> None:
    """Have what a ranking by meaning needs, where there will be one, before the tools are chosen."""
    nearness, above = registry.index.nearness, options.above
    if nearness is None or above is None or len(registry.index) <= above:
        return
    chooses = any(set("*?[") & set(glob) for glob in request.offered_globs)
    if chooses and (texts := _said(request.messages)):
        await nearness.prepare(texts[0].text)


class Offer:
    """The tools of one run. `toolset` grows when the model finds more; `at` is the registry's."""

    __slots__ = (
        "_chose",
        "_client_tools",
        "_clients",
        "_every",
        "_index",
        "_permits",
        "at",
        "toolset",
    )

    def __init__(
        self,
        request: RunRequest,
        subject: Subject,
        registry: Registry,
        policies: Policy,
        options: OfferOptions,
    ) -> None:
        """Raises `RegistrationError` for the app's own tools."""
        globs = request.offered_globs
        self._every = registry.offered(globs, request.run_id)
        self._index = registry.index
        self.at = registry.at
        self._permits = partial(policies.on_offer, subject)
        self._client_tools = request.client_tools
        self._clients: frozenset[str] | None = None
        self._chose = options.above is not None and self._too_many(globs, options.above)
        self.toolset = self._fitting(request, options) if self._chose else self._permitted()
        if request.client_tools:
            self.toolset = self.toolset.with_client(request.client_tools)

    async def find(self, wish: str) -> list[ToolSpec]:
        """The permitted tools that fit a wish best, offered from now on."""
        if self._index.nearness is not None:
            await self._index.nearness.prepare(wish)
        names = list(islice(filter(self._may_offer, self._index.ranked(wish)), _FOUND))
        self._add(names)
        return [self._every.get(name) for name in names]

    def is_registered(self, name: str) -> bool:
        """Whether a tool is the registry's, and neither the app's nor the gateway's own."""
        return name in self._every

    def admit(self, entry: Entry) -> bool:
        """Offer one of the gateway's own, unless there is a tool of that name or policy holds it back."""
        name = entry.spec.name
        taken = name in self.toolset or name in self._every or self._is_clients(name)
        if taken or not self._permits(entry.spec):
            return False
        self.toolset = self.toolset.joined(Toolset({name: entry}))
        return True

    def keep(self, messages: Iterable[ChatMessage]) -> None:
        """Offer what was called or found in these messages too: a run goes on with its tools."""
        if self._chose:
            self._add([name for name in _used(messages) if self._may_offer(name)])

    @property
    def searches(self) -> bool:
        """Whether the model may ask for more tools than it is shown."""
        others = self.is_registered(FIND_TOOLS) or self.toolset.is_client(FIND_TOOLS)
        return FIND_TOOLS in self.toolset and not others

    def search_on(self) -> None:
        """Offer the search although few tools are left: a run that had it goes on with it."""
        if FIND_TOOLS not in self.toolset:
            self.toolset = self._with_search(self.toolset)

    def versions(self) -> dict[str, str]:
        """The registered tools that are offered now, with the hashes of their versions."""
        return {spec.name: spec.digest for spec in self.toolset.specs if spec.digest}

    def pin(self, versions: Mapping[str, str]) -> None:
        """Offer these tools at these versions and no others. One whose version is gone is gone with it."""
        then = self.at(versions).without(lambda spec: not self._permits(spec))
        # Each keeps its place, so that the engine knows the prompt again.
        kept = self.toolset.without(lambda spec: bool(spec.digest) and spec.name not in then)
        self.toolset = kept.joined(then)
        elsewhere = self._every.without(lambda spec: spec.name in versions)
        self._every = elsewhere.joined(then)

    def _permitted(self) -> Toolset:
        permits = self._permits
        denied = {spec.name for spec in self._every.specs if not permits(spec)}
        return self._every.without(lambda spec: spec.name in denied) if denied else self._every

    def _too_many(self, globs: Sequence[str], above: int) -> bool:
        """Whether more are permitted than are offered together, unless the app named each."""
        if len(self._every) <= above or not any(set("*?[") & set(glob) for glob in globs):
            return False
        permitted = filter(self._permits, self._every.specs)
        return sum(1 for _ in islice(permitted, above + 1)) > above

    def _fitting(self, request: RunRequest, options: OfferOptions) -> Toolset:
        names = [name for name in _stays(request, options) if self._may_offer(name)]
        texts = _said(request.messages)
        ranked = filter(self._may_offer, self._index.ranked(texts)) if texts else iter(())
        names += islice((name for name in ranked if name not in names), options.most)
        return self._with_search(self._every.only(frozenset(names)))

    def _with_search(self, toolset: Toolset) -> Toolset:
        taken = FIND_TOOLS in self._every or self._is_clients(FIND_TOOLS)
        if taken or not self._permits(_SPEC):
            return toolset
        return toolset.joined(Toolset({FIND_TOOLS: replace(_finder(), executor=_Finder(self))}))

    def _may_offer(self, name: str) -> bool:
        if name not in self._every or self._is_clients(name):
            return False
        return self._permits(self._every.get(name))

    def _is_clients(self, name: str) -> bool:
        """Whether the app has a tool of that name, or one that models could confuse with it."""
        if self._clients is None:
            self._clients = frozenset(normalised(spec.name) for spec in self._client_tools)
        return normalised(name) in self._clients

    def _add(self, names: Sequence[str]) -> None:
        new = frozenset(name for name in names if name not in self.toolset)
        self.toolset = self.toolset.joined(self._every.only(new))


class _Finder:
    """Runs `find_tools` for one run."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer

    async def execute(self, call: ValidCall, context: CallContext) -> JSONObject:
        del context
        found = await self._offer.find(call.arguments["query"])
        tools = [{"name": spec.name, "description": spec.description[:_SHOWN]} for spec in found]
        return {"tools": tools, "note": _HERE_NOW if found else _NONE}


@lru_cache(maxsize=1)
def _finder() -> Entry:
    return compile_entry(_SPEC, None)


def _stays(request: RunRequest, options: OfferOptions) -> Iterator[str]:
    """What is offered in any case: pinned, named by the request, used lately in the conversation."""
    yield from options.pinned
    yield from (glob.partition(SEPARATOR)[0] for glob in request.offered_globs)
    if isinstance(request.tool_choice, NamedTool):
        yield request.tool_choice.name
    yield from list(dict.fromkeys(_used(request.messages)))[-options.most :]


def _said(messages: Sequence[ChatMessage]) -> list[Weighted]:
    """What the user says now, and a little of what they said before."""
    texts = [words_of(each) for each in messages if isinstance(each, UserMessage)]
    earlier = [Weighted(text, _EARLIER_WEIGHT) for text in texts[-1 - _EARLIER : -1]]
    return [*map(Weighted, texts[-1:]), *earlier]


def _used(messages: Iterable[ChatMessage]) -> Iterator[str]:
    """The names of tools that were called, or found by `find_tools`, in the order of the messages."""
    for message in messages:
        if isinstance(message, AssistantMessage):
            yield from (call.function.name for call in message.tool_calls or ())
        elif isinstance(message, ToolMessage) and message.name == FIND_TOOLS:
            yield from _listed(words_of(message))


def _listed(content: str) -> Iterator[str]:
    """The names in a result of `find_tools`; none in a text that only claims to be one."""
    try:
        result: Any = json.loads(content)
        names: list[Any] = [each["name"] for each in result["tools"]]
    except (ValueError, RecursionError, KeyError, TypeError):
        return
    yield from (name for name in names if isinstance(name, str))
