"""schemathesis over the gateway's own OpenAPI document: no request, fitting or not, fails on its side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi

from gateway.app import create_app
from routing.backends.scripted import Call
from tests.gateway.conftest import build

pytestmark = pytest.mark.filterwarnings("ignore")  # of the generators', about their own speed

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example]
EXAMPLES = 10
"""Of each kind, for each operation: a smoke test on every run. Raise it to search."""


@pytest.fixture(scope="module")
def schema() -> Iterator[Any]:
    """The document of a gateway whose model answers and calls for ever, served in the process."""
    services, _ = build(repeat("Hi."), expert=repeat(Call("add", {"a": 1, "b": 2})))
    yield schemathesis.openapi.from_asgi("/openapi.json", create_app(services))
    asgi.shutdown_lifespans()


def takes_something(operation: Any) -> bool:
    """Whether there is anything that a client could get wrong; a name in a path is any text."""
    return any((*operation.query, *operation.body))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_a_client_sends_is_a_failure_of_the_gateways(
    schema: Any, mode: GenerationMode
) -> None:
    seen: set[str] = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not takes_something(operation):
            continue

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=SLOW,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case: Case[Any]) -> None:
            seen.add(case.operation.label)
            case.call_and_validate(checks=[not_a_server_error])

        with suppress(Unsatisfiable):  # what is optional and any text can't be wrong either
            attempt()
    labels = {operation.ok().label for operation in schema.get_all_operations()}
    assert {"POST /v1/chat/completions", "POST /v1/responses", "POST /v1/keys"} <= labels
    assert {"POST /v1/chat/completions", "POST /v1/responses", "GET /v1/runs"} <= seen
    if mode is GenerationMode.POSITIVE:
        assert seen == labels
