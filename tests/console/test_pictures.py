"""Every page looked at: no complaint of the browser, no serious finding of axe-core; pictures on request.

`pytest tests/console --console-pictures` also writes the pictures of the documents (docs/images).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import pytest

from gateway.storage.suspensions import Suspension
from routing.backends.scripted import Call
from tests.console.conftest import Open, Serve, Stage, Visit
from tests.console.seed import a_busy_day, scheduled

pytestmark = pytest.mark.asyncio(loop_scope="session")

IMAGES = Path(__file__).parents[2] / "docs/images"
FIND = Call("find_orders", {"customer": "Brandt & Co", "status": "open"})
ORDERS = {"orders": [{"number": "20817", "total": 48.0}, {"number": "20833", "total": 112.5}]}
REFUND = {
    "call_id": "call00001",
    "step": 1,
    "name": "refund_order",
    "effect": "destroy",
    "arguments": {"order": "20817", "amount": 48},
    "reason": "rule refunds_need_a_person: a call of refund_order needs a person",
    "decision": None,
}
ASKED = {"messages": [{"role": "user", "content": "Pay back order 20817"}]}

LOOKS: list[tuple[str, Literal["light", "dark"], int, int]] = [
    ("light", "light", 1280, 860),
    ("dark", "dark", 1280, 860),
    ("phone", "light", 390, 844),
]
PICTURES = {
    "run-light",
    "runs-dark",
    "runs-phone",
    "playground-light",
    "costs-dark",
    "approvals-light",
    "tool-light",
}
"""Those that the documents show."""
PAGES = [
    "runs",
    "run",
    "playground",
    "tools",
    "tool",
    "approvals",
    "schedules",
    "schedule",
    "costs",
]


async def busy(serve: Serve) -> tuple[Stage, str]:
    stage = await serve(
        [FIND, "Two orders are open, 160.50 € in all."], says={"find_orders": ORDERS}
    )
    logs = a_busy_day(stage.services.store)
    await scheduled(stage.services.schedules)
    now, suspended = time.time(), {"suspended": {"request": ASKED}}
    held = Suspension("default", logs[-4].run_id, 1, now, now + 3600, (REFUND,), suspended)
    await stage.services.suspensions.put(held)
    return stage, logs[-2].run_id


async def reach(visit: Visit, page: str, run_id: str) -> None:
    match page:
        case "run":
            await visit.go(f"runs/{run_id}")
            await visit.wait_for("Step by step")
        case "tool":
            await visit.go("tools/refund_order")
            await visit.wait_for("Try it")
        case "playground":
            await visit.go("playground")
            await visit.page.get_by_label("Message").fill("Which orders of Brandt & Co are open?")
            await visit.page.get_by_role("button", name="Send").click()
            await visit.wait_for("The whole run")
        case "approvals":
            await visit.go("approvals")
            await visit.wait_for("refund_order")
        case "schedule":
            await visit.go("schedules")
            await visit.page.get_by_role("button", name="Edit morning report").click()
            await visit.wait_for("Change a schedule")
        case _:
            await visit.go(page)
            await visit.page.locator(".loading").wait_for(state="detached")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_accessible_in_every_look(
    page: str, serve: Serve, visit: Open, axe: str, request: pytest.FixtureRequest
) -> None:
    stage, run_id = await busy(serve)
    opened = await visit(stage)
    await reach(opened, page, run_id)
    await opened.page.evaluate(axe)
    for look, scheme, width, height in LOOKS:
        await opened.page.set_viewport_size({"width": width, "height": height})
        await opened.page.emulate_media(color_scheme=scheme)
        found = await opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [
            (each["id"], [node["html"][:160] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in {"serious", "critical", "moderate"}
        ]
        assert told == [], f"{page}, {look}"
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await opened.page.evaluate(over) <= 0, f"{page}, {look}: wider than the window"
        if request.config.getoption("--console-pictures") and f"{page}-{look}" in PICTURES:
            await opened.page.screenshot(path=IMAGES / f"console-{page}-{look}.png")
