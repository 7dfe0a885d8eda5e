from __future__ import annotations

import threading
from typing import Any

import pytest

from tools.retrieval.index import ToolIndex, Weighted
from tools.spec import ToolSpec


def tool(name: str, description: str = "", **properties: Any) -> ToolSpec:
    return ToolSpec(name, description, {"type": "object", "properties": properties})


WEATHER = tool("get_weather", "Tell the weather in a city", city={"type": "string"})
MAIL = tool("send_mail", "Send an e-mail", to={"type": "string", "description": "The recipient"})
CONVERT = tool("convert", "Convert an amount", into={"type": "string", "enum": ["dollars", "yen"]})
TIANQI = tool("tianqi", "查询一个城市的天气预报")
ALL = (WEATHER, MAIL, CONVERT, TIANQI)


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        ("What's the weather in Paris?", "get_weather"),
        ("who is the recipient", "send_mail"),
        ("how many yen is that", "convert"),
        ("明天北京天气怎么样", "tianqi"),
    ],
)
def test_a_tool_is_found_by_its_name_its_parameters_their_values_and_in_chinese(
    request_: str, first: str
) -> None:
    assert next(ToolIndex(ALL).ranked(request_)) == first


def test_what_shares_no_word_is_not_ranked() -> None:
    assert list(ToolIndex(ALL).ranked("hello there")) == []


def test_each_of_several_wishes_counts() -> None:
    many = [tool(f"weather_{i}", "Weather of the weather in a weathered city") for i in range(30)]
    index = ToolIndex([*many, MAIL])
    asked = "Tell me the weather in the city of Paris and its weather. Then mail it."
    assert "send_mail" in list(index.ranked(asked))[:5]


def test_of_equals_the_first_registered_is_first_every_time() -> None:
    index = ToolIndex(tool(f"copy_{i}", "Copy a file") for i in range(50))
    assert list(index.ranked("copy a file")) == [f"copy_{i}" for i in range(50)]


def test_a_text_with_less_weight_counts_less() -> None:
    index = ToolIndex([WEATHER, MAIL])
    assert list(index.ranked([Weighted("weather"), Weighted("mail", 0.3)])) == [
        "get_weather",
        "send_mail",
    ]
    assert next(index.ranked([Weighted("weather", 0.3), Weighted("mail")])) == "send_mail"


def test_a_replaced_tool_is_found_by_its_new_words_alone() -> None:
    index = ToolIndex(ALL)
    index.add(tool("send_mail", "Dispatch a pigeon"))
    assert list(index.ranked("pigeon")) == ["send_mail"]
    assert list(index.ranked("recipient")) == []
    assert len(index) == 4


def test_removing_and_adding_again_and_again_keeps_the_index_small_and_right() -> None:
    index = ToolIndex(ALL)
    for i in range(2_000):
        index.add(tool(f"passing_{i}", "Passing tool"))
        index.remove(f"passing_{i}")
    index.remove("never_there")
    assert len(index) == 4
    assert len(index._specs) < 600
    assert list(index.ranked("passing")) == []
    assert next(index.ranked("weather")) == "get_weather"


def test_a_megabyte_of_request_is_searched_by_its_beginning_and_end() -> None:
    index = ToolIndex(ALL)
    padding = "lorem " * 200_000
    assert set(index.ranked(f"weather {padding} recipient")) == {"get_weather", "send_mail"}


def test_an_odd_schema_is_indexed_as_far_as_it_goes() -> None:
    odd = ToolSpec(
        "odd",
        "",
        {"properties": {"a": True, "b": {"items": False, "anyOf": [{"properties": {"deep": {}}}]}}},
    )
    assert list(ToolIndex([odd]).ranked("deep")) == ["odd"]


def test_searching_while_others_register_never_fails() -> None:
    index = ToolIndex(ALL)

    def register() -> None:
        for i in range(300):
            index.add(tool(f"tool_{i % 50}", f"Weather of place {i}"))

    writers = [threading.Thread(target=register) for _ in range(3)]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        assert "get_weather" in set(index.ranked("weather in a city"))
    assert len(index) == 54
