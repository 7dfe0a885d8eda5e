"""The gateway as it is served, with one path more, which tells what only its process knows.

`python -m bench.soak_gateway PORT` serves it with the configuration that `GATEWAY_CONFIG` names;
`GET /soak` tells how many asyncio tasks there are, and how many blocks of memory Python's objects hold.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway.cli.serving import GatewayServer, bind, server_config
from gateway.compose import application

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def told(app: ASGIApp) -> ASGIApp:
    """`app`, and `/soak`."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/soak":
            await app(scope, receive, send)
            return
        # without the task that tells this
        body = f"{len(asyncio.all_tasks()) - 1} {sys.getallocatedblocks()}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return asked


def main() -> None:
    """Serve until it is ended."""
    bound = bind("127.0.0.1", int(sys.argv[1]))
    config = server_config(lambda: told(application()), access_log=False)
    GatewayServer(config, lambda: None).run(sockets=[bound])


if __name__ == "__main__":
    main()
