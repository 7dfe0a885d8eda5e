"""What clients do to a gateway in a soak: whole and streamed, and everything that goes wrong on the way.

`KINDS` says how often each. Whatever is not as it should be is counted in `wrong`, with its kind.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

_EARLY_S = 0.02
_TIMEOUT_S = 60.0


class Load:
    """Clients of the gateway at `url`. `done` counts what was brought to its end, by kind."""

    def __init__(self, url: str, session: aiohttp.ClientSession, seed: int = 1) -> None:
        self._url = url
        self._session = session
        self._dice = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        kinds: dict[str, tuple[int, Callable[[], Awaitable[bool]]]] = {
            "whole": (24, lambda: self._chat("The weather?")),
            "streamed": (20, lambda: self._stream("The weather?")),
            "stored": (12, self._stored),
            "a failing tool": (12, lambda: self._chat("Please break.")),
            "leaves a stream": (8, self._leaves),
            "leaves before an answer": (6, self._leaves_early),
            "cancels in the background": (6, self._cancels),
            "stops a run": (4, self._stops),
            "the engine breaks off": (4, lambda: self._chat("Be cut.", 200, 502, 503)),
            "a direct call": (3, self._invokes),
            "a bad request": (1, lambda: self._chat(None, 400)),
        }
        self._names = list(kinds)
        self._weights = [weight for weight, _ in kinds.values()]
        self._do = {name: do for name, (_, do) in kinds.items()}

    async def one(self) -> None:
        """Something, by the dice."""
        [kind] = self._dice.choices(self._names, self._weights)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                well = await self._do[kind]()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.wrong[f"{kind}: {type(error).__name__}"] += 1
            return
        if well:
            self.done[kind] += 1
        else:
            self.wrong[kind] += 1

    def _post(self, path: str, body: object) -> Any:
        return self._session.post(f"{self._url}{path}", json=body)

    def _asked(self, text: str | None, **more: object) -> dict[str, object]:
        messages = [{"role": "user", "content": text}] if text else "none"
        return {"model": "gateway", "messages": messages, **more}

    async def _chat(self, text: str | None, *expected: int) -> bool:
        async with self._post("/v1/chat/completions", self._asked(text)) as answer:
            await answer.read()
            return answer.status in (expected or (200,))

    async def _stream(self, text: str) -> bool:
        asked = self._asked(text, stream=True)
        async with self._post("/v1/chat/completions", asked) as answer:
            return (await answer.read()).rstrip().endswith(b"[DONE]")

    async def _stored(self) -> bool:
        body = {"model": "gateway", "input": "The weather?"}
        async with self._post("/v1/responses", body) as answer:
            return (await answer.json()).get("status") == "completed"

    async def _leaves(self) -> bool:
        asked = self._asked("Talk.", stream=True)
        async with self._post("/v1/chat/completions", asked) as answer:
            await answer.content.readany()
            answer.close()
            return answer.status == 200

    async def _leaves_early(self) -> bool:
        try:
            async with asyncio.timeout(_EARLY_S):
                await self._chat("Talk.")
        except TimeoutError:
            pass
        return True

    async def _cancels(self) -> bool:
        body = {"model": "gateway", "input": "Talk.", "background": True}
        async with self._post("/v1/responses", body) as answer:
            made = (await answer.json()).get("id")
        async with self._post(f"/v1/responses/{made}/cancel", {}) as answer:
            told = await answer.json()
            return told.get("status") in {"cancelled", "completed"}

    async def _stops(self) -> bool:
        asked = self._asked("Talk.", stream=True)
        async with self._post("/v1/chat/completions", asked) as answer:
            run = answer.headers["x-gateway-run-id"]
            async with self._post(f"/v1/runs/{run}/cancel", {}) as told:
                await told.read()
            await answer.read()
            return told.status in {200, 202, 404, 409}  # it may have ended meanwhile

    async def _invokes(self) -> bool:
        body = {"arguments": {"city": "Lyon"}}
        async with self._post("/v1/tools/get_weather/invoke", body) as answer:
            await answer.read()
            return answer.status == 200
