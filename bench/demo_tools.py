"""The two tools that the mock upstream calls."""

from __future__ import annotations

from typing import Literal

from tools.executors.function import tool


@tool(read_only=True)
async def get_weather(city: str, units: Literal["metric", "imperial"] = "metric") -> dict[str, str]:
    """Get the current weather for a city."""
    return {"city": city, "units": units, "sky": "partly cloudy", "temperature": "18"}


@tool(read_only=True)
async def get_time(city: str, tz: str) -> dict[str, str]:
    """Get the local time of a city."""
    return {"city": city, "tz": tz, "time": "14:05"}
