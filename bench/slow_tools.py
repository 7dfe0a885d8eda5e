"""The two tools of the benchmark, each of which waits 50 ms."""

from __future__ import annotations

import asyncio
from typing import Literal

from tools.executors.function import tool


@tool(read_only=True)
async def get_weather(city: str, units: Literal["metric", "imperial"] = "metric") -> dict[str, str]:
    """Get the current weather for a city."""
    await asyncio.sleep(0.05)
    return {"city": city, "units": units, "sky": "partly cloudy", "temperature": "18"}


@tool(read_only=True)
async def get_time(city: str, tz: str) -> dict[str, str]:
    """Get the local time of a city."""
    await asyncio.sleep(0.05)
    return {"city": city, "tz": tz, "time": "14:05"}
