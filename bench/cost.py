"""What a request costs in executed bytecode instructions: the guard of the hot path.

    python -m bench.cost            compare with bench/cost.json; exit code 1 when one grew by over 10 %
    python -m bench.cost --accept   write what was counted there, for a growth that is worth it
    python -m bench.cost --where 25 also tell the functions in which most of it goes

Wall time drifts by a factor of two on a shared machine, a count doesn't.  The whole application is
asked, over ASGI and without a socket in front: middleware, route, loop, validation, policies, metrics,
the HTTP client of the model.  The model is a thread of its own, which is not counted, and so is what
runs in C (JSON, sockets, validators).  Runs are kept in memory: a database writes behind the requests.
Counts differ between versions of Python, so each has a line of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Self

import uvloop

from gateway.compose import build_application, build_services
from gateway.settings import load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

HERE = Path(__file__).parent
RECORD = HERE / "cost.json"
MOST = 1.10
SUITES = ("turn", "stream", "run")
CALLS = [
    {
        "id": f"call0000{at}",
        "type": "function",
        "index": at,
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }
    for at, (name, arguments) in enumerate(
        (
            ("get_weather", {"city": "Paris", "units": "metric"}),
            ("get_time", {"city": "Paris", "tz": "Europe/Paris"}),
        )
    )
]


class Model(BaseHTTPRequestHandler):
    """Streams two calls to a user who offers tools, else 64 pieces of text: always the same bytes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer `/v1/chat/completions`; whatever else is asked is not found."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.path.endswith("/chat/completions"):
            self.send_error(404)
            return
        calls = body.get("tools") and body["messages"][-1]["role"] == "user"
        deltas: list[Any] = [{"tool_calls": CALLS}] if calls else [{"content": "degrees "}] * 64
        told: list[Any] = [{"index": 0, "delta": one, "finish_reason": None} for one in deltas]
        told.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"})
        events: list[Any] = [
            {"id": "c", "object": "chat.completion.chunk", "choices": [c]} for c in told
        ]
        events[-1]["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
        data += b"data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Stay silent."""


class Counter:
    """Counts the bytecode instructions of this thread while it is on."""

    def __init__(self) -> None:
        self.count = 0
        self.where: dict[CodeType, int] = defaultdict(int)

    def __enter__(self) -> Self:
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any]:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        if event == "opcode":
            self.count += 1
            self.where[frame.f_code] += 1
        return self._step


async def ask(app: FastAPI, body: bytes, key: str = "") -> bytes:
    """POST a chat request to the application, with an API key where one is needed; give the whole answer."""
    received = [{"type": "http.request", "body": body, "more_body": False}]
    parts: list[bytes] = []

    async def receive() -> Any:
        if received:
            return received.pop()
        await asyncio.Event().wait()  # the client stays connected
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            parts.append(f"status {message['status']}: ".encode())
        parts.append(message.get("body", b""))

    shown = [(b"authorization", b"Bearer " + key.encode())] if key else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), *shown],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    await app(scope, receive, send)
    return b"".join(parts)


async def count(port: int, folder: Path) -> dict[str, Counter]:
    """One request of each suite: the cheapest of five, after three that warm up."""
    settings = load_settings(
        HERE / "gateway.yaml",
        environ={
            "GATEWAY__MODELS__INTERMEDIARY__BASE_URL": f"http://127.0.0.1:{port}/v1",
            "GATEWAY__TOOLS__NOTES_PATH": str(folder / "notes.db"),
            "GATEWAY__STORAGE__URL": "memory:",
        },
    )
    services = build_services(settings)
    app = build_application(services)
    found: dict[str, Counter] = {}
    async with app.router.lifespan_context(app):
        for suite in SUITES:
            body = (HERE / "bodies" / f"{suite}.json").read_bytes()
            expected = b"get_weather" if suite == "turn" else b"degrees"
            for _ in range(3):
                answer = await ask(app, body)
                if expected not in answer:
                    raise SystemExit(f"{suite}: unexpected answer: {answer[:500]!r}")
            counters = [Counter() for _ in range(5)]
            for counter in counters:
                with counter:
                    await ask(app, body)
            found[suite] = min(counters, key=lambda counter: counter.count)
    return found


def main() -> int:
    """Count, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accept", action="store_true", help="take the counts as the new record")
    parser.add_argument("--where", type=int, default=0, help="functions to tell, most costly first")
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        counters = uvloop.run(count(server.server_port, Path(folder)))
    found = {suite: counter.count for suite, counter in counters.items()}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    record: dict[str, dict[str, int]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    before: dict[str, int] = record.get(version, {})
    grown = [s for s in SUITES if s in before and found[s] > before[s] * MOST]
    for suite in SUITES:
        change = f"{found[suite] / before[suite] - 1:+.1%}" if suite in before else "no record"
        print(f"{suite:8}{found[suite]:9,} instructions  {change}")
        ranked = sorted(counters[suite].where.items(), key=lambda one: -one[1])
        for code, number in ranked[: wanted.where]:
            file = "/".join(Path(code.co_filename).parts[-3:])
            print(f"    {number:9,}  {code.co_qualname}  {file}:{code.co_firstlineno}")
    if wanted.accept:
        record[version] = found
        RECORD.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
    elif grown:
        print(
            f"{', '.join(grown)}: more than {MOST - 1:.0%} above bench/cost.json. If it is worth it:"
            " python -m bench.cost --accept, and say why in the commit."
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
