"""The console as people use it, in a real Chromium."""

from __future__ import annotations

import asyncio
from itertools import repeat

import httpx
import pytest
from mistral_common.protocol.instruct.messages import ToolMessage
from playwright.async_api import expect

from gateway.access.check import KeyCheck
from gateway.storage.memory_keys import MemoryKeyStore
from policies.decision import ALLOW, Decision, RequireApproval
from policies.policy import Policy, Subject
from routing.backend import Turn
from routing.backends.scripted import Answer, Call, Say
from tests.console.conftest import Open, Serve
from tests.console.seed import FIND, Story, scheduled
from tools.spec import ValidCall

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


async def test_markup_from_tools_and_models_is_shown_and_never_becomes_html(
    serve: Serve, visit: Open
) -> None:
    stage = await serve()
    story = Story(stage.services.store, f"Look: {HOSTILE}").turn(HOSTILE, calls=1)
    log = story.call(FIND, HOSTILE, customer=HOSTILE, status="open").turn("Seen.").end(HOSTILE)
    opened = await visit(stage)
    page = await opened.go("runs")
    await opened.wait_for("Look: <script>")
    await opened.go(f"runs/{log.run_id}")
    await opened.wait_for("Step by step")
    for place in (".call pre", ".step .told", "section.card .told"):
        await expect(page.locator(place).filter(has_text="<script>").first).to_be_visible()
    assert await page.evaluate("window.hit") is None
    assert await page.locator("main script, main img").count() == 0


async def test_what_is_injected_all_the_same_is_not_run(serve: Serve, visit: Open) -> None:
    opened = await visit(await serve())
    page = await opened.go("runs")
    await opened.wait_for("No runs yet")
    inject = "document.body.innerHTML = '<img src=x onerror=window.hit=1>'"
    refused = await page.evaluate(f"try {{ {inject}; '' }} catch (error) {{ error.name }}")
    assert refused == "TypeError"
    assert await page.evaluate("window.hit") is None
    opened.complaints.clear()  # the browser tells what it refused


async def test_the_playground_shows_steps_while_they_happen(serve: Serve, visit: Open) -> None:
    go_on = asyncio.Event()
    call = Call("find_orders", {"customer": "Brandt", "status": "open"})
    stage = await serve(
        [Say("", [call]), Say("Two are open.", pauses={1: go_on})],
        says={"find_orders": {"orders": ["20817", "20833"]}},
    )
    opened = await visit(stage)
    page = await opened.go("playground")
    await page.get_by_label("convert_units").uncheck()
    message = page.get_by_label("Message")
    await message.fill("Which orders are open?")
    await message.press("Control+Enter")
    steps = page.get_by_role("list", name="Steps")
    await expect(steps).to_contain_text('find_orders(customer: "Brandt", status: "open")')
    await expect(steps).to_contain_text("20833")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    go_on.set()
    await expect(page.locator(".answer")).to_have_text("Two are open.")
    await expect(page.get_by_role("link", name="The whole run")).to_be_visible()
    assert [tool.function.name for tool in stage.model.turns[0].tools] == [
        "find_orders",
        "stock_level",
        "save_note",
        "refund_order",
    ]


async def test_a_run_is_followed_while_it_goes_and_can_be_stopped(
    serve: Serve, visit: Open
) -> None:
    stage = await serve([Say("Once upon a time", pauses={1: asyncio.Event()})])
    opened = await visit(stage)
    page = await opened.go("playground")
    await page.get_by_label("Message").fill("Tell me a story")
    await page.get_by_role("button", name="Send").click()
    await stage.model.asked()
    [log] = await stage.services.store.recent("default", 1)
    watching = await visit(stage)
    seen = await watching.go("runs")
    await seen.get_by_role("link", name="Tell me a story").click()
    await expect(seen.locator(".badge.going")).to_have_text("running")
    await seen.get_by_role("button", name="Stop the run").click()
    await expect(seen.locator(".page-head .badge")).to_have_text("cancelled")
    assert log.status == "cancelled"


async def test_new_runs_come_into_the_list_by_themselves(serve: Serve, visit: Open) -> None:
    stage = await serve()
    opened = await visit(stage)
    await opened.go("runs")
    await opened.wait_for("No runs yet")
    Story(stage.services.store, "A late question", 0).turn("Yes.").end("Yes.")
    await opened.wait_for("A late question")


async def test_the_list_is_filtered_and_gone_through_with_the_keys(
    serve: Serve, visit: Open
) -> None:
    stage = await serve()
    store = stage.services.store
    Story(store, "Where is my order?", 9).turn(calls=1).call(FIND).turn("Sent.").end("Sent.")
    Story(store, "How are you?", 5).turn("Fine.").end("Fine.")
    opened = await visit(stage)
    page = await opened.go("runs")
    await page.get_by_role("link", name="How are you?").focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("link", name="Where is my order?")).to_be_focused()
    await page.get_by_role("searchbox", name="Name of a tool").fill("find_orders")
    await expect(page.locator(".run-list li")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Where is my order?")).to_be_focused()
    await page.keyboard.press("Enter")
    await opened.wait_for("Step by step")


async def test_a_tool_is_tried_with_a_form_made_from_its_schema(serve: Serve, visit: Open) -> None:
    stage = await serve(says={"refund_order": {"refunded": 48.5}})
    opened = await visit(stage)
    page = await opened.go("tools/refund_order")
    await page.get_by_label("order").fill("20817")
    run = page.get_by_role("button", name="Run it for real")
    await run.click()
    await opened.wait_for("amount is required.")
    await page.get_by_label("amount").fill("48.5")
    await run.click()
    await expect(page.get_by_label("Result")).to_contain_text('"refunded": 48.5')
    [call] = stage.tools.calls
    assert call.arguments == {"order": "20817", "amount": 48.5}


class Refunds(Policy):
    """Whether money is paid back, a person says."""

    def on_call(self, subject: Subject, call: ValidCall) -> Decision:
        held = RequireApproval("money goes back to a customer", "refunds")
        return held if call.name == "refund_order" else ALLOW


def pay_back(turn: Turn) -> Answer:
    """The call that is held, and words once there is a result."""
    if isinstance(turn.messages[-1], ToolMessage):
        return "That is settled."
    return Call("refund_order", {"order": "20817", "amount": 48})


async def test_a_call_is_approved_edited_or_rejected(serve: Serve, visit: Open) -> None:
    stage = await serve(repeat(pay_back), policies=Refunds())
    asked = {"model": "gateway", "messages": [{"role": "user", "content": "Pay back order 20817"}]}
    runs = list[str]()
    async with httpx.AsyncClient(base_url=stage.url, timeout=30) as client:
        for _ in range(3):
            answer = await client.post("/v1/chat/completions", json=asked)
            runs.append(answer.json()["gateway"]["run_id"])
    opened = await visit(stage)
    page = await opened.go("approvals")
    await opened.wait_for("3 calls wait.")
    await expect(page.locator('[data-path="approvals"] .count')).to_contain_text("3")
    oldest = page.get_by_role("article").first
    await expect(oldest).to_contain_text("money goes back to a customer")
    await expect(oldest).to_contain_text("Asked: Pay back order 20817")
    await oldest.get_by_role("button", name="Approve").click()
    await opened.wait_for("Approved: the call runs.")
    await opened.wait_for("2 calls wait.")
    await oldest.get_by_role("button", name="Edit").click()
    await page.get_by_label("The arguments to run it with").fill('{"order": "20817"')
    await page.get_by_role("button", name="Approve with these").click()
    await opened.wait_for("This is no JSON")
    await page.get_by_label("The arguments to run it with").fill('{"order": "1"}')
    await page.get_by_role("button", name="Approve with these").click()
    await expect(page.get_by_role("alert").filter(has_text="amount")).to_be_visible()
    await page.get_by_label("The arguments to run it with").fill('{"order": "1", "amount": 2}')
    await page.get_by_role("button", name="Approve with these").click()
    await opened.wait_for("Approved with your changes.")
    await opened.wait_for("1 call waits.")
    await oldest.get_by_role("button", name="Reject").click()
    await page.get_by_label("Why?").fill("the wrong account")
    await page.get_by_role("button", name="Reject").click()
    await opened.wait_for("Rejected: the model is told.")
    await opened.wait_for("Nothing waits")
    for run_id in runs:
        await opened.go(f"runs/{run_id}")
        await opened.wait_for("That is settled.")
    assert [call.arguments for call in stage.tools.calls] == [
        {"order": "20817", "amount": 48},
        {"order": "1", "amount": 2},
    ]
    assert "the wrong account" in str(stage.model.turns[-1].messages[-1].content)


async def test_schedules_tell_when_they_come_and_are_paused_and_resumed(
    serve: Serve, visit: Open
) -> None:
    stage = await serve()
    kept = await scheduled(stage.services.schedules, f"report {HOSTILE}")
    opened = await visit(stage)
    page = await opened.go("schedules")
    row = page.get_by_role("row").filter(has_text="report <script>")
    for told in (
        "0 9 * * 1-5 Europe/Paris",
        "skipped",
        "the run before it still went on",
        "active",
    ):
        await expect(row).to_contain_text(told)
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("paused")
    resume = row.get_by_role("button", name="Resume")
    await expect(resume).to_be_focused()
    found = await stage.services.schedules.get("default", kept.id)
    assert found is not None
    assert (found.state, found.next_at) == ("paused", None)
    await resume.click()
    await expect(row).to_contain_text("active")
    assert await page.evaluate("window.hit") is None


async def test_a_schedule_that_can_not_go_on_says_why(serve: Serve, visit: Open) -> None:
    stage = await serve()
    kept = await scheduled(stage.services.schedules)
    opened = await visit(stage)
    page = await opened.go("schedules")
    await opened.wait_for("morning report")
    await stage.services.schedules.delete("default", kept.id)
    await page.get_by_role("button", name="Pause morning report").click()
    await expect(page.get_by_role("alert")).to_contain_text("not found")
    await opened.wait_for("No schedules yet")


async def test_a_schedule_is_made_changed_and_deleted(serve: Serve, visit: Open) -> None:
    stage = await serve()
    kept = stage.services.schedules
    opened = await visit(stage)
    page = await opened.go("schedules")
    await page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog", name="A new schedule")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Say what is to be asked.")
    await dialog.get_by_label("Name, for people").fill("stock")
    await dialog.get_by_label("What is asked").fill("What is in stock?")
    await dialog.get_by_label("Interval").fill("ninety minutes")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("such as 15m")
    await dialog.get_by_label("Interval").fill("90m")
    await dialog.get_by_role("button", name="Make it").click()
    row = page.get_by_role("row").filter(has_text="stock")
    await expect(row).to_contain_text("What is in stock?")
    (made,) = await kept.list("default")
    assert made.plan["when"] == {"every_s": 5400}
    assert made.plan["request"] == {"model": "gateway", "input": "What is in stock?"}

    await row.get_by_role("button", name="Edit stock").click()
    dialog = page.get_by_role("dialog", name="Change a schedule")
    await expect(dialog.get_by_label("Interval")).to_have_value("90m")
    await dialog.get_by_label("It comes").select_option("cron")
    times = dialog.get_by_label("Minute, hour")
    await times.fill("61 9 * * *")
    await dialog.get_by_label("Time zone").fill("Asia/Shanghai")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("61")
    await times.fill("30 9 * * *")
    await dialog.get_by_label("When the run before").select_option("queue")
    await dialog.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("30 9 * * * Asia/Shanghai")
    (changed,) = await kept.list("default")
    assert (changed.id, changed.plan["overlap"]) == (made.id, "queue")

    await row.get_by_role("button", name="Edit stock").click()
    await dialog.get_by_role("button", name="Delete …").click()
    await dialog.get_by_role("button", name="Keep it").click()
    assert await kept.list("default")
    await dialog.get_by_role("button", name="Delete …").click()
    await dialog.get_by_role("button", name="Delete it").click()
    await opened.wait_for("No schedules yet")
    assert not await kept.list("default")
    opened.complaints.clear()  # the browser tells of the 400


async def test_a_schedule_whose_request_is_more_than_a_message_is_edited_as_json(
    serve: Serve, visit: Open
) -> None:
    stage = await serve()
    kept = await scheduled(stage.services.schedules)
    opened = await visit(stage)
    body = {"model": "gateway", "input": "And now?", "max_output_tokens": 50}
    where = f"{stage.url}/v1/schedules/{kept.id}"
    assert (await opened.page.request.patch(where, data={"request": body})).ok
    page = await opened.go("schedules")
    await page.get_by_role("button", name="Edit morning report").click()
    dialog = page.get_by_role("dialog", name="Change a schedule")
    text = dialog.get_by_label("The request, as JSON")
    await text.fill("{")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("no JSON")
    await text.fill('{"model": "gateway", "input": "And then?", "max_output_tokens": 60}')
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("row").filter(has_text="And then?")).to_be_visible()
    found = await stage.services.schedules.get("default", kept.id)
    assert found is not None
    assert found.plan["request"] == {**body, "input": "And then?", "max_output_tokens": 60}


async def test_with_authentication_a_key_is_asked_for_and_sent_with_everything(
    serve: Serve, visit: Open
) -> None:
    access = KeyCheck(MemoryKeyStore(), "sesame-0123456789")
    stage = await serve(["It is open."], access=access)
    opened = await visit(stage)
    page = await opened.go("playground")
    await page.get_by_label("Key", exact=True).fill("sesame-0123456789")
    await page.get_by_role("button", name="Use this key").click()
    await page.get_by_label("Message").fill("Is it open?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".answer")).to_have_text("It is open.")
    await page.get_by_role("link", name="The whole run").click()
    await opened.wait_for("Step by step")
    assert await page.evaluate("sessionStorage.getItem('gateway.key')") == "sesame-0123456789"
    assert await page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0


async def test_a_gateway_that_is_away_is_told_with_a_remedy(serve: Serve, visit: Open) -> None:
    opened = await visit(await serve())
    page = opened.page
    await page.route("**/v1/**", lambda route: route.abort())
    await opened.go("runs")
    await opened.wait_for("The gateway does not answer.")
    await opened.wait_for("gateway doctor")
    await page.unroute("**/v1/**")
    await page.get_by_role("button", name="Try again").click()
    await opened.wait_for("No runs yet")


async def test_the_theme_is_chosen_and_kept(serve: Serve, visit: Open) -> None:
    opened = await visit(await serve())
    page = await opened.go("runs")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    theme = page.get_by_role("button", name="Colour theme")
    await theme.click()
    await theme.click()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")
