"""An upstream that outlives whoever asks it, with a log of its own. It honours no key: what it is sent
twice, it does twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

Moment = Literal["before the effect", "after the effect"]


@dataclass
class Bank:
    """`payments` are the keys and invoices in the order in which they were paid.

    With a `moment`, whoever pays is killed then: the process that `asking` comes to name. With `first`, who asks
    to pay after so many others waits until `goes_on`.
    """

    url: str = ""
    payments: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    moment: Moment | None = None
    asking: asyncio.Future[int] | None = None
    first: int | None = None
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def pay(self, request: web.Request) -> web.Response:
        invoice = (await request.json())["invoice"]
        self.asked += 1
        if self.first is not None and self.asked > self.first:
            await self.goes_on.wait()
        if self.moment == "before the effect":
            await self._kill()
            return web.Response(status=500)
        self.payments.append((request.headers["Idempotency-Key"], invoice))
        if self.moment == "after the effect":
            await self._kill()
        return web.json_response({"paid": invoice})

    async def look(self, request: web.Request) -> web.Response:
        found = any(key == request.query["reference"] for key, _ in self.payments)
        return web.json_response({"found": found}, status=200 if found else 404)

    def doubled(self) -> set[str]:
        """The invoices that were paid more than once."""
        counted = Counter(invoice for _, invoice in self.payments)
        return {invoice for invoice, times in counted.items() if times > 1}

    def paid(self, invoice: str) -> int:
        """How often."""
        return sum(each == invoice for _, each in self.payments)

    async def _kill(self) -> None:
        assert self.asking is not None
        os.kill(await self.asking, signal.SIGKILL)


@asynccontextmanager
async def open_bank(host: str = "127.0.0.1") -> AsyncGenerator[Bank]:
    """A bank on a port of its own."""
    bank, app = Bank(), web.Application()
    app.add_routes([web.post("/pay", bank.pay), web.get("/paid", bank.look)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    host, port = runner.addresses[0][:2]
    bank.url = f"http://{host}:{port}"
    try:
        yield bank
    finally:
        await runner.cleanup()
