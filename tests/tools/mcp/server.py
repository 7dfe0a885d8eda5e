"""A real MCP server for the tests, by the official SDK: `server.py stdio LOG` or `server.py http LOG PORT`.

Each call that has an effect is a line in LOG, so that tests can count. Tools hang, die and change on
request; VERSION in the environment changes a description, as an update of a server would.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

LOG = Path(sys.argv[2])
server = MCPServer("probe")
visits: list[str] = []


def log(line: str) -> None:
    with LOG.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


log(f"started {os.getpid()}")


@server.tool(
    description=f"Add two integers. {os.environ.get('VERSION', '')}".strip(),
    annotations=ToolAnnotations(read_only_hint=True),
)
def add(a: int, b: int) -> dict[str, int]:
    log("add")
    return {"sum": a + b}


@server.tool()
def write(text: str, ctx: Context[Any, Any]) -> str:
    """Write a line down."""
    meta: Any = ctx.request_context.meta or {}
    log(f"write {text} {dict(meta).get('agentic-gateway/idempotency-key')}")
    return "written"


@server.tool()
def visit(name: str) -> str:
    """Remember a visitor in this process and tell all of them."""
    visits.append(name)
    return ",".join(visits)


@server.tool()
def environment() -> str:
    """Tell the variables of this process."""
    return "\n".join(f"{name}={value}" for name, value in sorted(os.environ.items()))


@server.tool()
def fail() -> str:
    """Say no."""
    raise ToolError("out of paper")


@server.tool()
async def hang() -> str:
    """Block the whole process for ever."""
    log("hang")
    time.sleep(3_600)  # noqa: ASYNC251 - hanging is what it is for
    return "never"


@server.tool()
def curse() -> str:
    """Write to standard error what is nobody's business, and end in the middle of a line."""
    sys.stderr.write(f"what is {os.environ['TOKEN']}?\n\x1b[31mred\n" + "x" * 9_000 + "\n")
    sys.stderr.write("good bye")
    sys.stderr.flush()
    os._exit(9)


@server.tool()
def die(text: str) -> str:
    """End the process in the middle of a call."""
    log(f"die {text}")
    os._exit(9)


@server.tool()
async def grow(ctx: Context[Any, Any]) -> str:
    """Offer one more tool."""

    def grown() -> str:
        """A tool that was not there before."""
        return "grown"

    server.add_tool(grown)
    await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
    return "done"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run()
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[3]))
