from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from gateway.cli import commands
from gateway.cli.serving import bind, url_of
from routing.backends.scripted import Call, Say
from routing.errors import BackendUnavailable

from .conftest import Serve

cli = CliRunner()


def test_a_chat_shows_the_call_its_observation_and_the_answer_in_order(serve: Serve) -> None:
    url = serve(Call("calculate", {"expression": "6 * 7"}), "It is 42.")
    done = cli.invoke(commands(), ["chat", "How much is 6 times 7?", "--url", url])
    assert done.exit_code == 0, done.output
    call = done.output.index('→ calculate(expression="6 * 7")')
    observation = done.output.index('← {"result":"42"}')
    answer = done.output.index("It is 42.")
    assert call < observation < answer
    assert "2 steps · 1 calls" in done.output


def test_a_dry_chat_asks_for_a_dry_run_and_makes_its_reads(serve: Serve) -> None:
    url = serve(Call("calculate", {"expression": "6 * 7"}), "It is 42.")
    done = cli.invoke(commands(), ["chat", "--dry-run", "--json", "How much?", "--url", url])
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["dry_run"] == "writes"
    [seen] = [event for event in events if event["event"] == "observation"]
    assert "dry_run" not in seen


def test_a_text_is_shown_once_whether_it_was_watched_live_or_not(serve: Serve) -> None:
    url = serve("Good morning [red]to you[/].")
    done = cli.invoke(commands(), ["chat", "Hi", "--url", url])
    assert done.output.count("Good morning [red]to you[/].") == 1


def test_a_refused_call_and_a_failed_tool_are_shown_with_their_reasons(serve: Serve) -> None:
    url = serve(
        Call("calculat", {"expression": "6 * 7"}),
        Call("calculate", {"expression": "seven"}),
        "I can't.",
    )
    done = cli.invoke(commands(), ["chat", "?", "--url", url])
    assert "✗ calculat" in done.output
    assert "did you mean" in done.output
    assert "this is no expression" in done.output
    assert done.exit_code == 0


def test_an_escalation_is_shown_with_its_reason_and_the_model_that_decided(serve: Serve) -> None:
    url = serve(
        Call("escalate", {"reason": "too hard"}),
        expert=["The expert says 42."],
    )
    done = cli.invoke(commands(), ["chat", "?", "--url", url])
    assert "⇡ asking scripted" in done.output
    assert "own_wish: too hard" in done.output
    assert "The expert says 42." in done.output


def test_what_is_missing_from_an_answer_is_shown(serve: Serve) -> None:
    url = serve(BackendUnavailable("the engine is down"), BackendUnavailable("still down"))
    done = cli.invoke(commands(), ["chat", "?", "--url", url])
    assert "down" in done.output
    assert "Traceback" not in done.output


def test_json_is_one_event_a_line_and_ends_with_the_end(serve: Serve) -> None:
    url = serve(Call("calculate", {"expression": "6 * 7"}), "It is 42.")
    done = cli.invoke(commands(), ["chat", "?", "--json", "--url", url])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "run.started"
    assert [e["name"] for e in events if e["event"] == "call.accepted"] == ["calculate"]
    assert events[-1]["event"] == "run.finished"
    assert events[-1]["answer"] == "It is 42."


def test_a_conversation_goes_on_with_what_was_said(serve: Serve) -> None:
    url = serve("Hello.", lambda turn: f"{len(turn.messages)} messages so far.")
    done = cli.invoke(commands(), ["chat", "--url", url], input="Hi\nAgain\n")
    assert "Hello." in done.output
    assert "3 messages so far." in done.output
    assert done.exit_code == 0


def test_a_failed_request_does_not_end_a_conversation(serve: Serve) -> None:
    url = serve("Hello.")
    done = cli.invoke(commands(), ["chat", "--model", "nobody", "--url", url], input="Hi\nAgain\n")
    assert done.output.count("no model 'nobody' here") == 2
    assert done.exit_code == 0


def test_text_appears_while_the_model_still_speaks(serve: Serve) -> None:
    more = asyncio.Event()
    url = serve(Say("Once upon a time", piece=4, pauses={2: more}))
    from gateway.cli.client import GatewayClient

    body = {"model": "gateway", "messages": [{"role": "user", "content": "Tell"}]}
    with GatewayClient(url).watched(body) as events:
        texts: list[str] = []
        for event in events:
            if event.name == "text.delta":
                texts.append(event.document()["text"])
            if len(texts) == 2:
                break
    assert "".join(texts) == "Once upo"


def test_a_gateway_that_does_not_answer_is_told_with_what_to_do() -> None:
    bound = bind("127.0.0.1", 0)
    nobody = url_of(bound)
    bound.close()
    done = cli.invoke(commands(), ["chat", "?", "--url", nobody])
    assert done.exit_code == 3
    assert f"no gateway answers at {nobody}" in done.output
    assert "gateway serve" in done.output


@pytest.mark.parametrize("url", ["ftp://x", "http://", "::"])
def test_what_is_no_url_is_refused(url: str) -> None:
    done = cli.invoke(commands(), ["chat", "?", "--url", url])
    assert done.exit_code == 2
    assert "no URL of a gateway" in done.output
