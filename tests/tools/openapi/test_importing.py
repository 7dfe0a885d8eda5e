"""Which operations become tools, under which names, where they go and what they may say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tools.errors import RegistrationError
from tools.openapi.importing import import_document, preview
from tools.openapi.operations import Source
from tools.spec import Failure

from .conftest import Import, Stub

MakeCall = Callable[..., Any]


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "servers": [{"url": "https://api.example/v1"}],
        "paths": paths,
    } | more


def one(parameters: list[dict[str, Any]], path: str = "/a", method: str = "get") -> dict[str, Any]:
    return document({path: {method: {"operationId": "a", "parameters": parameters}}})


def test_only_what_is_included_and_not_excluded_becomes_a_tool(import_api: Import) -> None:
    api = import_api(
        "pets_2_0.json",
        auth={"api_key": None, "query_key": None, "petstore_auth": None},
        include=["*Pet*", "GET /pet/findByStatus"],
        exclude=["DELETE *", "add*"],
    )
    assert api.names == ["findPetsByStatus", "getPetById", "updatePetWithForm"]


def test_names_that_models_confuse_get_an_ending_that_stays_the_same() -> None:
    paths = {
        "/a": {"get": {"operationId": "list users"}, "post": {"operationId": "listUsers"}},
        "/b": {"get": {"operationId": "list_users"}},
        "/c/{id}": {
            "get": {"parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}]}
        },
    }
    names = [
        [tool.spec.name for tool in import_document(document(paths), Source("x")).tools]
        for _ in range(2)
    ]
    assert names[0] == names[1]
    assert names[0][0] == "list_users"
    assert names[0][3] == "get_c_id"
    assert len(set(names[0])) == 4
    assert preview(import_document(document(paths), Source("x")))[1] == ()


def test_a_prefix_stands_before_every_name_and_long_names_are_cut_to_64() -> None:
    paths = {"/a": {"get": {"operationId": "x" * 100}}, "/b": {"get": {"operationId": "x" * 101}}}
    tools = import_document(document(paths), Source("x", prefix="crm_")).tools
    assert all(tool.spec.name.startswith("crm_x") for tool in tools)
    assert [len(tool.spec.name) for tool in tools] == [64, 64]
    assert tools[0].spec.name != tools[1].spec.name


def test_the_operator_says_what_a_search_by_post_does() -> None:
    data = document({"/search": {"post": {"operationId": "search"}}})
    [tool] = import_document(data, Source("x", effects={"search": "read"}, cache_s=60)).tools
    assert tool.spec.annotations.read_only
    assert tool.spec.cache_s == 60
    with pytest.raises(RegistrationError, match="did you mean 'search'"):
        import_document(data, Source("x", effects={"serch": "read"}))


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"petstore": "TOOL_X"}, "no security scheme of the document; there is: petstore_auth"),
        ({"api_key": "AWS_SECRET_ACCESS_KEY"}, "begins with TOOL_"),
    ],
)
def test_secrets_are_named_for_schemes_that_exist_and_tools_may_read(
    auth: dict[str, str], told: str, import_api: Import
) -> None:
    with pytest.raises(RegistrationError) as caught:
        import_api("pets_2_0.json", auth=auth)
    assert caught.value.where.startswith("auth.")
    assert told in caught.value.why


@pytest.mark.parametrize(
    ("servers", "spec", "base"),
    [
        ([{"url": "https://a.example/v2/"}], "x.yaml", "https://a.example/v2"),
        (
            [{"url": "https://{zone}.example", "variables": {"zone": {"default": "eu"}}}],
            "x.yaml",
            "https://eu.example",
        ),
        ([{"url": "/v3"}], "https://docs.example/api.yaml", "https://docs.example/v3"),
        ([], "https://docs.example/api/spec.yaml", "https://docs.example"),
    ],
)
def test_the_server_is_what_the_document_says(
    servers: list[dict[str, Any]], spec: str, base: str
) -> None:
    data = document({"/a": {"get": {}}}) | {"servers": servers}
    [tool] = import_document(data, Source(spec)).tools
    assert tool.template.base == base


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ([{"url": "/v3"}], "comes from a file: give `base_url`"),
        ([{"url": "https://{zone}.example"}], "has no default: give `base_url`"),
        ([{"url": "https://user:pw@a.example"}], "must not hold credentials"),
        ([{"url": "ftp://a.example"}], "give `base_url`"),
    ],
)
def test_a_server_that_can_not_be_asked_refuses_the_operation(
    servers: list[dict[str, Any]], told: str
) -> None:
    data = document({"/a": {"get": {}}}) | {"servers": servers}
    [refused] = import_document(data, Source("x.yaml")).refused
    assert told in refused.why


def test_a_document_that_was_fetched_can_not_send_secrets_elsewhere() -> None:
    data = document(
        {"/a": {"get": {"operationId": "a"}}},
        security=[{"key": []}],
        components={"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    )
    source = Source("https://docs.example/api.yaml", auth={"key": "TOOL_KEY"})
    [refused] = import_document(data, source).refused
    assert "is not where the document came from" in refused.why
    named = replace(source, base_url="https://api.example/v1")
    assert len(import_document(data, named).tools) == 1


@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        ({"style": "form"}, ["a", "b,c"], "q=a&q=b%2Cc"),
        ({"style": "form", "explode": False}, ["a", "b,c"], "q=a,b%2Cc"),
        ({"style": "pipeDelimited", "explode": False}, ["a", "b"], "q=a%7Cb"),
        ({"style": "spaceDelimited", "explode": False}, ["a", "b"], "q=a%20b"),
        ({"style": "pipeDelimited"}, ["a", "b"], "q=a%7Cb"),
        ({}, "a=b&c", "q=a%3Db%26c"),
        ({}, True, "q=true"),
        ({}, 1.5, "q=1.5"),
        ({}, None, ""),
        ({}, [], ""),
        ({}, "", "q="),
    ],
)
def test_a_value_in_the_query_is_spelled_as_its_style_says(
    parameter: dict[str, Any], value: Any, query: str
) -> None:
    data = one([{"name": "q", "in": "query", "schema": {}, **parameter}])
    [tool] = import_document(data, Source("x")).tools
    filled = tool.template.fill({"q": value}, {}.get)
    assert filled.url == "https://api.example/v1/a" + (f"?{query}" if query else "")


@pytest.mark.parametrize("value", [".", "..", "", None, {"a": 1}])
async def test_a_value_can_not_leave_its_place_in_the_path(
    value: Any, stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    data = one([{"name": "id", "in": "path", "schema": {}}], "/users/{id}/mails")
    api = import_api(data, base_url=stub.origin)
    result = await api.call(make_call, "a", {"id": value})
    assert result.failure is Failure.TOOL
    assert stub.seen == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "ä", " a"])
async def test_a_value_can_not_leave_its_header(
    value: str, stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    data = one([{"name": "X-A", "in": "header", "schema": {"type": "string"}}])
    api = import_api(data, base_url=stub.origin)
    result = await api.call(make_call, "a", {"X-A": value})
    assert result.failure is Failure.TOOL
    assert stub.seen == []


def test_bodies_are_one_argument_where_they_are_more_than_their_properties() -> None:
    def schema_of(schema: dict[str, Any], *, required: bool = True) -> Any:
        content = {"application/json": {"schema": schema}}
        operation = {"operationId": "a", "requestBody": {"required": required, "content": content}}
        [tool] = import_document(document({"/a": {"post": operation}}), Source("x")).tools
        return tool.spec.parameters

    plain = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    assert list(schema_of(plain)["properties"]) == ["x"]
    for odd in ({"type": "array"}, {**plain, "oneOf": [{}]}, {"type": "object"}):
        assert list(schema_of(odd)["properties"]) == ["body"]
        assert schema_of(odd)["required"] == ["body"]
    optional = schema_of(plain, required=False)
    assert list(optional["properties"]) == ["body"]
    assert "required" not in optional


def test_what_it_returns_is_left_out_when_it_can_not_be_kept() -> None:
    response = {"content": {"application/json": {"schema": {"type": "nonsense"}}}}
    data = document({"/a": {"get": {"operationId": "a", "responses": {"200": response}}}})
    [tool], refused = preview(import_document(data, Source("x")))
    assert refused == ()
    assert tool.spec.returns is None
    assert "what it returns is not declared" in tool.notes[0]


def test_the_methods_of_3_2_are_listed_as_unsupported() -> None:
    data = document({"/a": {"query": {}, "additionalOperations": {"COPY": {}}, "get": {}}})
    imported = import_document(data | {"openapi": "3.2.0"}, Source("x"))
    assert len(imported.tools) == 1
    assert [each.operation for each in imported.refused] == ["QUERY /a", "COPY /a"]
