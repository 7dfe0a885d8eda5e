"""Calls that nobody asked for: a person decides, or nobody may.

A small model that was asked to find something may go on and delete it. What a request asks for is hard to tell, but
that it does not speak of deleting at all is easy: then a call that deletes is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from mistral_common.protocol.instruct.messages import AssistantMessage, ChatMessage, UserMessage

from policies.conversation import words as words_of
from policies.decision import ALLOW, Decision, Deny, RequireApproval
from policies.filters.listed import words as listed
from policies.folding import fold
from policies.policy import Policy, Subject
from tools.spec import Effect, ToolSpec, ValidCall

DELETING = (
    *("delete", "deletes", "deleted", "deleting", "deletion", "del", "remove", "removes", "removed", "removing", "removal"),
    *("erase", "erased", "erasing", "discard", "discarded", "discarding", "destroy", "destroyed", "destroying", "rm"),
    *("clear", "cleared", "clearing", "clean", "cleaning", "wipe", "wiped", "wiping", "purge", "purged", "purging"),
    *("drop", "dropped", "dropping", "dump", "ditch", "toss", "chuck", "trash", "trashed", "bin", "scrap", "scratch"),
    *("cancel", "eliminate", "shred", "nuke", "kill", "forget", "dispose of", "get rid of", "getting rid of", "be rid of"),
    *("throw away", "throw out", "throw it away", "throw it out", "throw that away", "throw that out", "out with"),
    *("cross off", "cross out", "strike", "take off", "can go", "may go", "must go", "should go", "has to go", "have to go"),
    *("no longer need", "don't need", "do not need", "dont need", "not needed", "no need for", "obsolete", "uninstall"),
    *("删", "清除", "清空", "清理", "清掉", "移除", "去掉", "去除", "除掉", "消除", "剔除", "抹掉", "抹去", "擦掉", "划掉", "拿掉"),
    *("扔掉", "扔了", "丢掉", "丢了", "丢弃", "销毁", "作废", "取消", "撤销", "撤掉", "卸载", "忘掉", "忘了"),
    *("不要了", "不用了", "不再需要", "不需要", "用不着", "没用了", "不用留", "别留"),
)  # fmt: skip
"""How people ask for something to be gone, in English and Chinese."""


class Unasked(Policy):
    """Guards tools by name (`tools`, globs) and effect: the user has to have said one of `words`.

    What counts is the newest of the user's messages, and the one before where the model asked back in between.
    The app's instructions and what tools brought count for nothing. A call outside of a run is a person's, and passes.
    Whoever says "delete nothing" has said one of the words: the rule finds what was not spoken of.
    """

    name = "unasked"

    def __init__(
        self,
        tools: Sequence[str] = ("*",),
        effects: Sequence[Effect] = (Effect.DESTROY,),
        words: Sequence[str] = DELETING,
        *,
        then: Literal["approval", "deny"] = "approval",
    ) -> None:
        self._tools = tuple(tools)
        self._effects = frozenset(effects)
        self._words = listed(words)
        self._then = then

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        if not self._guards(call.tool) or not subject.messages:
            return ALLOW
        if any(self._is_asked(text) for text in _asked(subject.messages[: subject.asked])):
            return ALLOW
        decide = Deny if self._then == "deny" else RequireApproval
        return decide("the request does not speak of it", self.name)

    def _guards(self, tool: ToolSpec) -> bool:
        return tool.effect in self._effects and any(
            fnmatchcase(tool.name, glob) for glob in self._tools
        )

    def _is_asked(self, text: str) -> bool:
        return next(self._words.find(fold(text).text, 0), None) is not None


def _asked(messages: Sequence[ChatMessage]) -> Iterator[str]:
    """What the user asks for: the newest message, and those before it to which the model asked back."""
    found = False
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            found = True
            yield words_of(message)
        elif found and isinstance(message, AssistantMessage) and _is_answer(message):
            return


def _is_answer(message: AssistantMessage) -> bool:
    """Whether it ends what was asked for: it neither calls tools nor asks back."""
    return not message.tool_calls and not words_of(message).rstrip().endswith(("?", "？"))
