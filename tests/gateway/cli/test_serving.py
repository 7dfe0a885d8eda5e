"""What `gateway serve` puts around the application."""

from __future__ import annotations

import json

from websockets.sync.client import connect

from tests.gateway.cli.conftest import Serve


def test_a_connection_can_be_upgraded_to_a_websocket(serve: Serve) -> None:
    url = serve("Hello.").replace("http://", "ws://")
    with connect(f"{url}/v1/responses") as socket:
        socket.send(json.dumps({"type": "response.create", "model": "gateway", "input": "Hi"}))
        assert json.loads(socket.recv(30))["type"] == "response.created"
