from __future__ import annotations

from typing import Any

import pytest

from tools.lint import Linter, grade
from tools.spec import ToolSpec

CITY = {"type": "string", "description": "A city's name, such as Paris"}


def spec(
    name: str = "get_weather", description: str = "Tell the weather in a city now.", **more: Any
) -> ToolSpec:
    properties = more.get("properties", {"city": CITY})
    required = more.get("required", list(properties))
    parameters = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name, description, parameters)


def kinds(tool: ToolSpec, *others: ToolSpec) -> list[str]:
    return [each.kind for each in Linter([tool, *others]).findings(tool)]


def test_a_good_definition_has_nothing_to_mend() -> None:
    assert kinds(spec()) == []
    assert grade([]) == "A"


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        (spec(description=""), "no_description"),
        (spec(description="Weather"), "short_description"),
        (spec(properties={"city": {"type": "string"}}), "undescribed"),
        (spec(properties={"city": {"description": "Which city"}}), "any_value"),
        (spec(properties={"a": {"type": "array", "description": "What"}}), "any_items"),
        (spec(properties={"a": {"type": "object", "description": "What"}}), "any_object"),
        (
            spec(properties={"u": {"type": "string", "description": "Either metric or imperial"}}),
            "values_in_prose",
        ),
        (
            spec(properties={"u": {"type": "string", "description": "'metric' or 'imperial'"}}),
            "values_in_prose",
        ),
        (spec(properties={"sort_order": CITY}), "open_choice"),
        (spec(required=[]), "ambiguous_optional"),
        (spec(properties={f"p{i}": CITY for i in range(13)}), "many_parameters"),
        (spec(properties={"c": {**CITY, "description": "x" * 4_000}}), "size"),
    ],
)
def test_what_models_trip_over_is_found(tool: ToolSpec, kind: str) -> None:
    assert kinds(tool) == [kind]


def test_depth_is_found_at_its_place() -> None:
    node: dict[str, Any] = CITY
    for _ in range(3):
        node = {"type": "object", "description": "Inside", "properties": {"a": node}}
    [finding] = Linter([]).findings(spec(properties={"a": node}))
    assert finding.kind == "depth"
    assert finding.where == "$.parameters.properties.a" + ".properties.a" * 3


def test_an_example_is_not_taken_for_a_list_of_values() -> None:
    described = {"type": "string", "description": "A unit, e.g. 'metric' or 'imperial'"}
    assert kinds(spec(properties={"unit": described})) == []


def test_an_optional_parameter_that_tells_what_holds_without_it_is_well() -> None:
    for told in ({**CITY, "default": "Paris"}, {**CITY, "description": "Where; default: here"}):
        assert kinds(spec(properties={"city": told}, required=[])) == []


def test_names_and_descriptions_close_to_others_are_found() -> None:
    twin = spec("get_weathers", "Tell the weather of the city now.")
    assert kinds(spec(), twin) == ["close_name", "close_description"]
    assert kinds(spec(), spec("send_mail", "Send an e-mail to a person.")) == []


def test_a_description_in_chinese_is_not_too_short_for_having_no_spaces() -> None:
    assert kinds(spec(description="查询城市的天气")) == []


def test_more_to_mend_is_a_worse_grade_and_one_kind_alone_never_the_worst() -> None:
    bare = {f"p{i}": {"type": "string"} for i in range(12)}
    undescribed = Linter([]).findings(spec(properties=bare))
    assert grade(undescribed) == "C"
    worse = Linter([]).findings(spec(description="", properties=bare))
    assert grade(worse) == "D"
    worst = Linter([]).findings(spec(description="", properties=bare, required=[]))
    assert grade(worst) == "E"
