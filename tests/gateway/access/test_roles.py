"""Every route by every role, against a table that a person can read; a route that is not in it fails."""

from __future__ import annotations

import pytest

from gateway.access.principal import ROLES, KeyRole
from tests.gateway.access.doors import bearer, doors
from tests.gateway.access.test_doors import CLOSED
from tests.gateway.conftest import Serve

# which of app, author, operator get in: a letter each, - for who is refused for the role
TABLE = """
app author operator  POST   /mcp
-   -      operator  GET    /metrics
-   -      operator  HEAD   /metrics
app author operator  GET    /docs
app author operator  GET    /docs/oauth2-redirect
app author operator  GET    /openapi.json
app author operator  GET    /redoc
app author operator  GET    /v1/approvals
app author operator  GET    /v1/budgets
app author operator  POST   /v1/chat/completions
app author operator  POST   /v1/conversations
app author operator  DELETE /v1/conversations/{conversation_id}
app author operator  GET    /v1/conversations/{conversation_id}
app author operator  POST   /v1/conversations/{conversation_id}
app author operator  GET    /v1/conversations/{conversation_id}/items
app author operator  POST   /v1/conversations/{conversation_id}/items
app author operator  DELETE /v1/conversations/{conversation_id}/items/{item_id}
app author operator  GET    /v1/conversations/{conversation_id}/items/{item_id}
app author operator  GET    /v1/effects
-   -      operator  GET    /v1/keys
-   -      operator  POST   /v1/keys
-   -      operator  DELETE /v1/keys/{key_id}
-   -      operator  POST   /v1/keys/{key_id}/rotate
app author operator  GET    /v1/models
app author operator  GET    /v1/models/{model_id}
app author operator  POST   /v1/responses
app author operator  POST   /v1/responses/compact
app author operator  DELETE /v1/responses/{response_id}
app author operator  GET    /v1/responses/{response_id}
app author operator  POST   /v1/responses/{response_id}/cancel
app author operator  GET    /v1/responses/{response_id}/input_items
app author operator  GET    /v1/runs
app author operator  GET    /v1/runs/{run_id}
app author operator  GET    /v1/runs/{run_id}/approvals
-   -      operator  POST   /v1/runs/{run_id}/approvals/{call_id}
app author operator  POST   /v1/runs/{run_id}/cancel
app author operator  GET    /v1/runs/{run_id}/effects
-   -      operator  POST   /v1/runs/{run_id}/effects/{effect_id}
app author operator  GET    /v1/runs/{run_id}/events
app author operator  GET    /v1/runs/{run_id}/files/{handle}
app author operator  GET    /v1/schedules
app author operator  POST   /v1/schedules
app author operator  DELETE /v1/schedules/{schedule_id}
app author operator  GET    /v1/schedules/{schedule_id}
app author operator  PATCH  /v1/schedules/{schedule_id}
app author operator  POST   /v1/schedules/{schedule_id}/pause
app author operator  POST   /v1/schedules/{schedule_id}/resume
app author operator  GET    /v1/schedules/{schedule_id}/runs
app author operator  GET    /v1/stats
app author operator  GET    /v1/tools
-   author operator  POST   /v1/tools
-   author operator  DELETE /v1/tools/{name}
app author operator  GET    /v1/tools/{name}
-   author operator  PUT    /v1/tools/{name}
app author operator  POST   /v1/tools/{name}/invoke
app author operator  GET    /v1/tools/{name}/report
app author operator  GET    /v1/tools/{name}/versions
-   author operator  POST   /v1/tools/{name}/versions/{version}
"""
CELLS = {
    (method, path): (app, author, operator)
    for app, author, operator, method, path in (row.split() for row in TABLE.strip().splitlines())
}


def test_the_table_has_every_route_and_no_other() -> None:
    assert {one for one in CLOSED if one[0] != "HEAD"} == {one for one in CELLS if one[0] != "HEAD"}


@pytest.mark.parametrize("role", ROLES)
async def test_each_route_lets_in_whom_the_table_says(serve: Serve, role: KeyRole) -> None:
    """Who is refused for the role gets 403; everybody else gets on to what is wrong with the request."""
    made = doors()
    gateway = await serve(keys=made.keys, access=made.access)
    headers = bearer(await made.key(role))
    told: dict[tuple[str, str], bool] = {}
    for method, path in (one for one in CELLS if one[0] != "HEAD"):
        got = await gateway.http.request(method, path, headers=headers)
        assert got.status_code != 401
        told[method, path] = not (got.status_code == 403 and "role_required" in got.text)
    assert told == {one: role in cell for one, cell in CELLS.items() if one[0] != "HEAD"}
