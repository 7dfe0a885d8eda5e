"""Whether the process is up, and whether it could work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


async def test_a_gateway_that_runs_is_healthy(serve: Any) -> None:
    gateway = await serve([])
    response = await gateway.http.get("/healthz")
    assert response.json() == {"status": "ok", "version": "test"}


async def test_a_gateway_is_ready_while_its_intermediary_is(serve: Any) -> None:
    gateway = await serve([])
    assert (await gateway.http.get("/readyz")).status_code == 200
    gateway.intermediary.is_ready = False
    response = await gateway.http.get("/readyz")
    assert response.status_code == 503
    assert "small" in response.json()["reason"]


async def test_the_expert_is_not_needed_for_readiness(serve: Any) -> None:
    gateway = await serve([], expert=[])
    gateway.expert.is_ready = False
    assert (await gateway.http.get("/readyz")).status_code == 200


async def test_the_models_are_closed_at_shutdown(serve: Any, scripted: Any) -> None:
    from gateway.app import create_app

    services = scripted()
    app = create_app(services)
    async with app.router.lifespan_context(app):
        assert not services.models["intermediary"].closed
    assert services.models["intermediary"].closed
    assert services.models["expert"].closed


async def test_services_may_be_built_at_start_up(scripted: Any) -> None:
    from gateway.app import create_app

    made: list[Any] = []

    async def factory() -> Any:
        made.append(scripted())
        return made[0]

    app = create_app(factory)
    assert not made
    async with app.router.lifespan_context(app):
        assert app.state.services is made[0]
    assert made[0].models["intermediary"].closed


async def test_the_api_describes_itself_with_its_hot_route(serve: Any) -> None:
    gateway = await serve([])
    document = (await gateway.http.get("/openapi.json")).json()
    assert {"/v1/chat/completions", "/v1/tools", "/v1/runs/{run_id}"} <= set(document["paths"])
    assert "ChatRequest" in document["components"]["schemas"]
    for schema in ("FunctionTool", "GatewayOptions"):
        assert schema in document["components"]["schemas"]


async def test_at_shutdown_writes_are_drained_before_their_connections_close_and_all_is_closed(
    scripted: Any,
) -> None:
    closed: list[str] = []

    def closer(name: str, *, fails: bool = False) -> Any:
        async def close() -> None:
            closed.append(name)
            if fails:
                raise OSError(name)

        return close

    services = scripted()
    services.models["intermediary"].aclose = closer("model", fails=True)
    services.http.aclose = closer("http")
    services = replace(services, closers=(closer("writes", fails=True),))
    with pytest.raises(ExceptionGroup) as caught:
        await services.aclose()
    assert closed == ["writes", "model", "http"]
    assert [str(error) for error in caught.value.exceptions] == ["writes", "model"]
    assert services.models["expert"].closed
