"""A running gateway, seen from the command line: blocking HTTP with no more than it needs.

Connections go straight to the URL: proxies of the environment are for other machines. Whatever can't
be reached or understood is a `CommandError` with a hint.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.cli.exits import CommandError, Exit

Document = dict[str, Any]
_TIMEOUT_S = 300.0


class Refused(CommandError):
    """The gateway answered with an error. `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, code=Exit.NO)
        self.status = status


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream; `name` is empty where the stream names none."""

    name: str
    data: str

    def document(self) -> Document:
        return json.loads(self.data)


class GatewayClient:
    """Speaks to the gateway at `url` (without `/v1`), and shows `key` where one is given."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandError(
                f"{url} is no URL of a gateway", "such as http://127.0.0.1:8080", code=Exit.USAGE
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._shown = {} if key is None else {"authorization": f"Bearer {key}"}
        self._place = parts.netloc.rpartition("@")[2]

    def get(self, path: str) -> Document:
        with self._send("GET", path, None) as response:
            return _parsed(response.read())

    def post(self, path: str, body: Document) -> Document:
        with self._send("POST", path, body) as response:
            return _parsed(response.read())

    def patch(self, path: str, body: Document) -> Document:
        with self._send("PATCH", path, body) as response:
            return _parsed(response.read())

    def delete(self, path: str) -> Document:
        with self._send("DELETE", path, None) as response:
            return _parsed(response.read())

    @contextmanager
    def watched(self, body: Document) -> Generator[Iterator[ServerEvent]]:
        """A chat request, seen through the events of its run; leaving the block stops the run."""
        with self._send("POST", "/v1/chat/completions", {**body, "stream": True}) as answer:
            path = run_path(answer.headers["x-gateway-run-id"])
            with self._send("GET", f"{path}/events", None) as response:
                yield _events(response)

    @contextmanager
    def _send(
        self, method: str, path: str, body: Document | None
    ) -> Generator[http.client.HTTPResponse]:
        connection = self._kind(self._place, timeout=_TIMEOUT_S)
        try:
            typed = {} if body is None else {"content-type": "application/json"}
            payload = None if body is None else json.dumps(body, ensure_ascii=False).encode()
            connection.request(method, path, payload, {**self._shown, **typed})
            response = connection.getresponse()
            if response.status >= http.HTTPStatus.BAD_REQUEST:
                raise Refused(response.status, _reason(response.status, response.read()))
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(
                f"no gateway answers at {self.url}: {error or type(error).__name__}",
                "start one with `gateway serve` (or scripts/run), or leave --url out",
            ) from error
        finally:
            connection.close()


def run_path(run_id: str) -> str:
    """Where the trace of a run is."""
    return f"/v1/runs/{quote(run_id, safe='')}"


def invoke_path(tool: str) -> str:
    """Where a tool is called by hand."""
    return f"/v1/tools/{quote(tool, safe='')}/invoke"


def _parsed(payload: bytes) -> Document:
    try:
        return json.loads(payload)
    except ValueError:
        raise CommandError("the answer is no JSON: is this the URL of a gateway?") from None


def _reason(status: int, payload: bytes) -> str:
    try:
        return str(json.loads(payload)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}: {payload[:200].decode(errors='replace')}"


def _events(response: http.client.HTTPResponse) -> Iterator[ServerEvent]:
    """Server-sent events: fields until an empty line; comments are passed over."""
    name, data = "", list[str]()
    for raw in response:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
