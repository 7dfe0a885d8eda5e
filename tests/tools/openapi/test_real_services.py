"""Excerpts of three public services' documents, imported and called; every byte of a request is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tools.spec import Failure

from .conftest import Import, Stub

MakeCall = Callable[..., Any]

PAYMENTS = {"auth": {"basicAuth": "TOOL_USER"}}
ISSUES = {"auth": {"token": "TOOL_TOKEN"}}
PETS = {
    "auth": {"api_key": "TOOL_KEY", "query_key": "TOOL_KEY", "petstore_auth": "TOOL_TOKEN"},
}
BASIC = "Basic c2tfdGVzdF81MTo="
ACCEPT = "Accept: application/json, text/*;q=0.9, */*;q=0.5"
OURS = "Accept-Encoding: identity\r\nUser-Agent: agentic-gateway"


def request(stub: Stub, line: str, *headers: str, body: str = "") -> bytes:
    """A whole request as aiohttp puts it on the wire, our headers in the order that we send them."""
    host = stub.origin.removeprefix("http://")
    ours = [ACCEPT, *headers, OURS]
    has_length = body or line.startswith("DELETE")  # aiohttp tells the empty body of a DELETE
    length = [f"Content-Length: {len(body.encode())}"] if has_length else []
    lines = [f"{line} HTTP/1.1", f"Host: {host}", *ours, *length]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Case(NamedTuple):
    """A call, and the request that it has to become; `base` is the path of the server's address."""

    document: str
    source: dict[str, Any]
    base: str
    name: str
    arguments: dict[str, Any]
    line: str
    headers: tuple[str, ...]
    body: str


CASES = [
    Case(
        "payments_3_0.yaml",
        PAYMENTS,
        "",
        "GetCustomers",
        {"email": "a+b@c.example", "created": {"gte": 5, "lt": 9}, "expand": ["data.sources", "x"]},
        (
            "GET /v1/customers?email=a%2Bb%40c.example&created%5Bgte%5D=5&created%5Blt%5D=9"
            "&expand%5B0%5D=data.sources&expand%5B1%5D=x"
        ),
        (f"Authorization: {BASIC}",),
        "",
    ),
    Case(
        "payments_3_0.yaml",
        PAYMENTS,
        "",
        "PostCustomers",
        {
            "name": "Zoë & Co",
            "email": None,
            "balance": -500,
            "metadata": {"order id": "6735"},
            "preferred_locales": ["de", "en"],
            "address": {"city": "Zürich"},
        },
        "POST /v1/customers",
        (
            "Content-Type: application/x-www-form-urlencoded",
            f"Authorization: {BASIC}",
            "Idempotency-Key: run-1:call-1",
        ),
        (
            "name=Zo%C3%AB+%26+Co&balance=-500&metadata%5Border+id%5D=6735"
            "&preferred_locales=de&preferred_locales=en&address%5Bcity%5D=Z%C3%BCrich"
        ),
    ),
    Case(
        "payments_3_0.yaml",
        PAYMENTS,
        "",
        "DeleteCustomersCustomer",
        {"customer": "../v1/charges?x=1"},
        "DELETE /v1/customers/..%2Fv1%2Fcharges%3Fx%3D1",
        (f"Authorization: {BASIC}", "Idempotency-Key: run-1:call-1"),
        "",
    ),
    Case(
        "issues_3_1.yaml",
        ISSUES,
        "/api/v3",
        "issues_list-for-repo",
        {
            "owner": "a b",
            "repo": "é",
            "labels": ["bug", "a,b"],
            "filter_assignee": "me",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        "GET /api/v3/repos/a%20b/%C3%A9/issues?labels=bug,a%2Cb&filter%5Bassignee%5D=me",
        ("X-GitHub-Api-Version: 2022-11-28", "Authorization: Bearer ghp_s3cr3t"),
        "",
    ),
    Case(
        "issues_3_1.yaml",
        ISSUES,
        "",
        "issues_create",
        {
            "owner": "o",
            "repo_path": "r",
            "title": "Zoë",
            "milestone": None,
            "labels": [],
            "repo_body": "other",
        },
        "POST /repos/o/r/issues",
        (
            "Content-Type: application/json",
            "Authorization: Bearer ghp_s3cr3t",
            "Idempotency-Key: run-1:call-1",
        ),
        '{"title":"Zoë","milestone":null,"labels":[],"repo":"other"}',
    ),
    Case(
        "issues_3_1.yaml",
        ISSUES,
        "",
        "repos_create-or-update-file-contents",
        {"owner": "o", "repo": "r", "path": "docs/a.md", "message": "m", "content": "YQ=="},
        "PUT /repos/o/r/contents/docs%2Fa.md",
        (
            "Content-Type: application/json",
            "Authorization: Bearer ghp_s3cr3t",
            "Idempotency-Key: run-1:call-1",
        ),
        '{"message":"m","content":"YQ=="}',
    ),
    Case(
        "pets_2_0.json",
        PETS,
        "/v2",
        "addPet",
        {"name": "Rex", "photoUrls": ["http://x.example/ä"], "weight": 12345678901234567890},
        "POST /v2/pet",
        (
            "Content-Type: application/json",
            "Authorization: Bearer ghp_s3cr3t",
            "Idempotency-Key: run-1:call-1",
        ),
        '{"name":"Rex","photoUrls":["http://x.example/ä"],"weight":12345678901234567890}',
    ),
    Case(
        "pets_2_0.json",
        PETS,
        "/v2",
        "findPetsByStatus",
        {"status": ["sold", "pending"], "tags": ["a&b", "c"], "ids": [1, 2]},
        "GET /v2/pet/findByStatus?status=sold&status=pending&tags=a%26b%7Cc&ids=1,2&key=k%26y%3D1",
        (),
        "",
    ),
    Case(
        "pets_2_0.json",
        PETS,
        "/v2",
        "getPetById",
        {"petId": 9223372036854775807},
        "GET /v2/pet/9223372036854775807",
        ("api_key: k&y=1",),
        "",
    ),
    Case(
        "pets_2_0.json",
        PETS,
        "/v2",
        "updatePetWithForm",
        {"petId": 7, "status": "a b+c"},
        "POST /v2/pet/7",
        (
            "Content-Type: application/x-www-form-urlencoded",
            "Authorization: Bearer ghp_s3cr3t",
            "Idempotency-Key: run-1:call-1",
        ),
        "status=a+b%2Bc",
    ),
    Case(
        "pets_2_0.json",
        PETS,
        "/v2",
        "deletePet",
        {"petId": 7},
        "DELETE /v2/pet/7",
        ("api_key: k&y=1", "Idempotency-Key: run-1:call-1"),
        "",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_a_call_becomes_exactly_the_request_that_the_document_describes(
    case: Case, stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    api = import_api(case.document, base_url=stub.origin + case.base, **case.source)
    result = await api.call(make_call, case.name, case.arguments)
    assert stub.seen == [request(stub, case.line, *case.headers, body=case.body)]
    assert (result.content, result.failure) == ('{"ok":true}', None)


def test_what_payments_can_not_be_is_listed_with_the_reason(import_api: Import) -> None:
    api = import_api("payments_3_0.yaml", **PAYMENTS)
    assert api.names == ["GetCustomers", "PostCustomers", "DeleteCustomersCustomer"]
    assert [(one.operation, one.where) for one in api.refused] == [
        ("POST /v1/files", "#/paths/~1v1~1files/post/requestBody/content"),
        ("OPTIONS /v1/accounts", "#/paths/~1v1~1accounts/options"),
    ]
    assert "multipart/form-data" in api.refused[0].why
    assert "the method options is not supported" in api.refused[1].why


def test_what_issues_can_not_be_is_listed_with_the_reason(import_api: Import) -> None:
    api = import_api("issues_3_1.yaml", **ISSUES, base_url="https://api.github.com")
    assert [(one.operation, one.why) for one in api.refused] == [
        (
            "GET /search/issues",
            "needs authentication: set auth for basic, to the name of a TOOL_… variable",
        ),
        ("POST /markdown", "bodies are sent as JSON or urlencoded forms; offered: text/plain"),
    ]
    [note] = api.tool("issues_list-for-repo").notes
    assert "the cookie parameter 'session'" in note


def test_what_pets_can_not_be_is_listed_with_the_reason(import_api: Import) -> None:
    api = import_api("pets_2_0.json", **PETS)
    [refused] = api.refused
    assert (refused.operation, refused.why) == (
        "POST /pet/{petId}/uploadImage",
        "forms are sent urlencoded; consumed: multipart/form-data",
    )


def test_verbs_say_what_an_operation_does_to_the_world(import_api: Import) -> None:
    api = import_api("issues_3_1.yaml", **ISSUES)
    hints = {tool.spec.name: tool.spec.annotations for tool in api.tools}
    assert hints["issues_list-for-repo"].read_only
    assert not hints["issues_create"].idempotent
    assert hints["repos_create-or-update-file-contents"].idempotent
    deleting = import_api("pets_2_0.json", **PETS).tool("deletePet").spec.annotations
    assert deleting.destructive
    assert deleting.idempotent


def test_schemas_of_old_versions_are_told_as_json_schema(import_api: Import) -> None:
    pets = import_api("pets_2_0.json", **PETS)
    assert pets.tool("getPetById").spec.parameters["properties"]["petId"] == {
        "type": "integer",
        "format": "int64",
        "exclusiveMinimum": 0,
    }
    properties = pets.tool("addPet").spec.parameters["properties"]
    assert properties["weight"] == {"type": ["number", "null"], "exclusiveMinimum": 0}
    assert properties["name"] == {"type": "string", "examples": ["doggie"]}
    assert "id" not in properties  # read-only: the service's own
    payments = import_api("payments_3_0.yaml", **PAYMENTS)
    returns = payments.tool("GetCustomers").spec.returns
    assert returns is not None
    assert returns["$ref"] == "#/$defs/customer_list"  # a circle stays a reference


def test_a_model_is_never_asked_for_a_key(import_api: Import) -> None:
    deleting = import_api("pets_2_0.json", **PETS).tool("deletePet")
    assert list(deleting.spec.parameters["properties"]) == ["petId"]


async def test_a_secret_that_a_server_echoes_is_blotted_out(
    stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    stub.body = b'{"you sent":"k&y=1","encoded":"k%26y%3D1"}'
    api = import_api("pets_2_0.json", base_url=stub.origin, **PETS)
    result = await api.call(make_call, "getPetById", {"petId": 1})
    assert result.content == '{"you sent":"***","encoded":"***"}'


async def test_a_key_that_stands_in_the_place_of_the_user_is_blotted_out_too(
    stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    stub.body = b'{"error":"no such key: sk_test_51"}'
    api = import_api("payments_3_0.yaml", base_url=stub.origin, **PAYMENTS)
    result = await api.call(make_call, "GetCustomers", {})
    assert "sk_test_51" not in result.content


async def test_without_its_secret_a_tool_is_unavailable_and_nothing_is_sent(
    stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    api = import_api("issues_3_1.yaml", base_url=stub.origin, auth={"token": "TOOL_NOT_SET"})
    arguments = {"owner": "o", "repo_path": "r", "title": "t"}
    result = await api.call(make_call, "issues_create", arguments)
    assert result.failure is Failure.UNAVAILABLE
    assert "TOOL_NOT_SET" in result.content
    assert stub.seen == []


async def test_what_the_service_refuses_is_for_the_model_to_read(
    stub: Stub, import_api: Import, make_call: MakeCall
) -> None:
    stub.status, stub.body = "422 Unprocessable", b'{"message":"title is too long"}'
    api = import_api("issues_3_1.yaml", base_url=stub.origin, **ISSUES)
    arguments = {"owner": "o", "repo_path": "r", "title": "t"}
    result = await api.call(make_call, "issues_create", arguments)
    assert result.failure is Failure.TOOL
    assert "title is too long" in result.content
