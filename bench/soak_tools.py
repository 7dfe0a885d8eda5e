"""A tool that works and one that does not."""

from __future__ import annotations

from tools.errors import ToolFailed, ToolUnavailable
from tools.executors.function import tool


@tool(read_only=True)
async def get_weather(city: str) -> dict[str, str]:
    """Get the current weather for a city."""
    return {"city": city, "sky": "partly cloudy", "temperature": "18"}


@tool(read_only=True)
async def break_down(how: str) -> str:
    """Fail in one of the ways in which tools fail."""
    match how:
        case "refuses":
            raise ToolFailed("there is no such city")
        case "unavailable":
            raise ToolUnavailable("the service is down", sent=False)
        case _:
            raise RuntimeError("a mistake in the tool")
