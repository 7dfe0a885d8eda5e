"""`gateway: {extract: "code"}`: the answer's fenced code beside the answer."""

from __future__ import annotations

import json
from typing import Any

SAID = "So:\n\n```python\nprint(1)\n```\n\n~~~\nplain\n~~~\nDone."
CODE = [{"language": "python", "code": "print(1)"}, {"language": "", "code": "plain"}]


async def test_code_stands_in_the_receipt_streamed_and_whole(serve: Any) -> None:
    gateway = await serve([SAID, SAID])
    answer = (await gateway.chat(gateway={"extract": "code"})).json()
    assert answer["choices"][0]["message"]["content"] == SAID
    assert answer["gateway"]["code"] == CODE
    body = (await gateway.chat(gateway={"extract": "code"}, stream=True)).text
    finish = json.loads(body.split("\n\n")[-3].removeprefix("data: "))
    assert finish["gateway"]["code"] == CODE


async def test_an_answer_without_code_has_an_empty_list(serve: Any) -> None:
    gateway = await serve(["None."])
    assert (await gateway.chat(gateway={"extract": "code"})).json()["gateway"]["code"] == []


async def test_it_is_left_out_where_nobody_asked(serve: Any) -> None:
    gateway = await serve([SAID])
    assert "code" not in (await gateway.chat()).json()["gateway"]
