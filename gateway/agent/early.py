"""Reads that are begun while the model still speaks, as soon as their arguments are whole.

What it is: the reads at the beginning of one turn, in the model's order, up to the first call that changes
something (it has to wait for what stands before it, and whatever follows it has to see what it did). Each is
checked and asked of policy once, by the same court that judges the turn afterwards, and is run in the shelter
as every read is. Nothing is said of it until the turn is judged: events and transcript are what they would
be without it.
What it is not: a decision. What the turn does not come to in the end (it broke off, is given to the expert,
ends in a wish for help, was cut by its length) is cut, and nobody reads what it brought.

Turns in which a read may be doubted are left alone, and those in which no call can be made (`plan.py`). So are
the gateway's own tools, which change what the model is offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mistral_common.protocol.instruct.tool_calls import ToolCall

from gateway.agent.observe import cut
from gateway.agent.verdict import ESCALATE, Court, select
from gateway.agent.working import Working
from gateway.agent.writes import Writes
from policies.decision import Allow
from policies.policy import Policy
from routing.backend import Turn
from tools.spec import Effect, InvalidCall, Problem, ToolResult, ValidCall


class EarlyReads:
    """Those of one turn. What `court` knows of its calls counts when the turn is judged."""

    def __init__(self, run: Working, policies: Policy, writes: Writes) -> None:
        self.court = Court(run.step, run.toolset, policies, run.subject, run.calls_left, {}, {})
        self._run = run
        self._context = run.call_context()
        self._writes = writes
        self._begun: dict[str, asyncio.Task[ToolResult]] = {}
        self._heard: list[ToolCall] = []
        self._run_by_then = 0
        self._is_over = False

    def consider(self, call: ToolCall, turn: Turn) -> None:
        """A further call of `turn` is whole: begin it if it only reads, and may."""
        if self._is_over or call.function.name == ESCALATE:
            self._is_over = True
            return
        counts, _ = select(
            [*self._heard, call],
            parallel=turn.parallel_tool_calls,
            most=turn.max_calls,
            is_client=self._run.toolset.is_client,
        )
        if len(counts) == len(self._heard):  # said twice, or one too many
            return
        if counts[-1] is not call:  # it can't keep its id, and gets another when the turn is judged
            self._is_over = True
            return
        self._heard.append(call)
        checked = self.court.check(call)
        if isinstance(checked, InvalidCall):
            self._is_over = checked.problem is Problem.TRUNCATED
            return
        toolset, offer = self._run.toolset, self._run.offer
        is_ours = not toolset.is_client(call.function.name)
        if is_ours and checked.tool.effect is not Effect.READ:
            self._is_over = True
            return
        allowed = isinstance(self.court.decide(checked), Allow)
        if not is_ours or not allowed:
            return
        if self._run_by_then == self.court.calls_left:
            self._is_over = True
            return
        self._run_by_then += 1
        if not offer.is_registered(checked.name):
            return
        execution = toolset.execute(checked, self._context.of_call(checked))
        self._begun[call.id] = self._writes.begin(execution)

    def taken(self, calls: Sequence[ValidCall]) -> dict[str, asyncio.Task[ToolResult]]:
        """The tasks of those of `calls` that run already, by their ids; the caller's from now on."""
        known, begun = self.court.known, self._begun
        same = (call.id for call in calls if call.id in begun and known[call.id].checked is call)
        return {name: begun.pop(name) for name in same}

    async def aclose(self) -> None:
        """Cut what was begun for nothing."""
        if running := {task for task in self._begun.values() if not task.done()}:
            await cut(running, self._run.request.run_id)


def begin_early(run: Working, turn: Turn, policies: Policy, writes: Writes, call: ToolCall) -> None:
    """Take a call of this turn in whose arguments are whole."""
    if run.early is None:
        run.early = EarlyReads(run, policies, writes)
    run.early.consider(call, turn)


async def end_early(run: Working) -> None:
    """The turn is over: what was begun and not used is cut."""
    early, run.early = run.early, None
    if early is not None:
        await early.aclose()
