"""What to make of the text of a completion whose form was asked for: beside `verdict.py`, which is about calls.

What it is: a pure judgement; the decision what happens next is the loop's.
"""

from __future__ import annotations

from dataclasses import replace

from mistral_common.protocol.instruct.messages import AssistantMessage

from gateway.agent.form import Accepted, AnswerForm
from gateway.agent.verdict import Verdict
from routing.backend import Completion


def hold_to_form(
    form: AnswerForm, verdict: Verdict, completion: Completion
) -> tuple[Verdict, tuple[str, ...]]:
    """An answer held to its form: rejected, or in strict JSON; and notes on what was found.

    A text that was cut off by its length is no answer at all: it is let through as it is, and `length`
    says so.
    """
    read = form.read(completion.text)
    if isinstance(read, Accepted):
        return replace(verdict, message=AssistantMessage(content=read.text)), read.repairs
    note = f"not the form that was asked for: {read}"
    if completion.finish_reason == "length":
        return verdict, (note,)
    return replace(verdict, rejected=read), (note,)
