"""A run whose turns are shortened waits for a person, and goes on in another process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.context.options import ContextOptions
from tests.gateway.test_approvals import ADD_100, People, decide, over, stores, went_on
from tests.gateway.test_context import MESSAGES

DROP = ContextOptions("drop")


async def test_the_receipts_of_before_and_after_stand_in_one_trace(
    serve: Any, tmp_path: Path
) -> None:
    path = tmp_path / "gateway.db"
    before = await asyncio.to_thread(stores, path)
    first = await serve([ADD_100], policies=People(), context=DROP, **over(before))
    answer = (await first.chat(messages=MESSAGES)).json()["gateway"]
    [early] = answer["context"]
    await before.runs.settled()

    after = await asyncio.to_thread(stores, path)
    second = await serve(["It is 101."], policies=People(), context=DROP, **over(after))
    await decide(second, answer["run_id"], decision="approve")
    trace = await went_on(second, answer["run_id"])
    assert (trace["status"], trace["answer"]) == ("completed", "It is 101.")
    assert [receipt["step"] for receipt in trace["context"]] == [1, 2]
    assert trace["context"][0] == early
    events = (await second.http.get(f"/v1/runs/{answer['run_id']}/events")).text
    assert events.count("event: context.shortened") == 2

    # the request is kept whole, and the turn after the pause is shown the call with its result
    assert len(trace["request"]["messages"]) == len(MESSAGES)
    [turn] = second.intermediary.turns
    shown = [str(message.content)[:2] for message in turn.messages]
    assert shown[0] == "Be"
    assert "0?" not in shown
    assert [message.role for message in turn.messages[-3:]] == ["user", "assistant", "tool"]
    assert turn.messages[-1].content == '{"sum":101}'
