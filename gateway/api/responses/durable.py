"""A response in the background as JSON data and back, so that another process can go on with it."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from gateway.agent.run import RunRequest
from gateway.api.responses.creation import Creation
from gateway.api.responses.request import parse_request
from gateway.api.responses.window import Window


def dumped(creation: Creation) -> dict[str, Any]:
    """As a JSON object. The window before the input is in the run's messages."""
    body = creation.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {
        "request": body,
        "run": _as_run().dump_python(creation.run, mode="json"),
        "id": creation.id,
        "created_at": creation.created_at,
        "inputs": list(creation.inputs),
        "cut": creation.window.cut,
        "previous_is_stored": creation.previous_is_stored,
    }


def loaded(state: dict[str, Any]) -> Creation:
    """The same again. Raises `ValueError`, `KeyError` or `ApiError` for what another version wrote."""
    run = _as_run().validate_python(state["run"])
    return Creation(
        request=parse_request(state["request"]),
        run=run,
        tenant=run.tenant,
        id=state["id"],
        created_at=state["created_at"],
        inputs=tuple(state["inputs"]),
        window=Window(cut=state["cut"]),
        previous_is_stored=state["previous_is_stored"],
    )


@cache
def _as_run() -> TypeAdapter[RunRequest]:
    return TypeAdapter(RunRequest)
