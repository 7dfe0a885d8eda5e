"""The few sentences that the gateway itself says to the reader of an answer, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from mistral_common.protocol.instruct.messages import ChatMessage, UserMessage

from gateway.agent.run import Incomplete
from gateway.transcript.parts import words_of

_ENGLISH = {
    "max_steps": "I stopped after the allowed number of steps",
    "max_tool_calls": "I stopped after the allowed number of tool calls",
    "deadline": "I ran out of time",
    "max_cost": "I stopped at the cost limit",
    "budget": "I stopped, because the budget is spent",
    "invalid_output": "I could not give an answer in the form that was asked for",
    "no_expert": "I could not do all of this, and no larger model is configured to help",
    "expert_failed": "I could not do all of this, and the larger model could not be reached",
    "backend_failed": "I could not finish, because the model stopped answering",
    "stream_cut": "This answer was cut off",
    "repetition": "I stopped, because I only repeated myself",
    "denied": "The rest of this answer is withheld by the operator's rules",
    "approval_required": "A person has to approve this first",
    "unresolved_call": "I could not do all of this",
    "tool_version_gone": "I could not do what was approved",
    "empty_answer": "I have no answer to this",
}
_CHINESE = {
    "max_steps": "已达到允许的步数上限，我停了下来",
    "max_tool_calls": "已达到允许的工具调用次数，我停了下来",
    "deadline": "时间用完了",
    "max_cost": "已达到费用上限，我停了下来",
    "budget": "预算已用完，我停了下来",
    "invalid_output": "我没能按要求的格式给出答案",
    "no_expert": "我没能完成全部请求，也没有配置更大的模型来协助",
    "expert_failed": "我没能完成全部请求，更大的模型也无法访问",
    "backend_failed": "模型停止响应，我没能完成",
    "stream_cut": "回答被中断了",
    "repetition": "我只是在重复同样的话，于是停了下来",
    "denied": "按照运营方的规则，回答的其余部分不予显示",
    "approval_required": "这一步需要先由人批准",
    "unresolved_call": "我没能完成全部请求",
    "tool_version_gone": "我没能执行已批准的操作",
    "empty_answer": "我没有答案",
}


def _speaks_chinese(messages: Sequence[ChatMessage]) -> bool:
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            return any("\u4e00" <= character <= "\u9fff" for character in words_of(message))
    return False


def confession(incomplete: Incomplete, messages: Sequence[ChatMessage]) -> str:
    """What could not be done, as one sentence in the language of the last user message."""
    if _speaks_chinese(messages):
        return (
            f"{_CHINESE.get(incomplete.reason, _CHINESE['unresolved_call'])}：{incomplete.detail}"
        )
    return f"{_ENGLISH.get(incomplete.reason, _ENGLISH['unresolved_call'])}: {incomplete.detail}"
