"""Tools that authors registered: kept over restarts, and the same in every gateway over one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.agent.loop import AgentLoop
from gateway.authoring import Authoring, NotAuthored
from gateway.services import Services
from routing.backends.scripted import ScriptedBackend
from routing.router import Member, Router
from tests.storage.stores import Kept, memory_stores, sql_stores
from tools.errors import NameTaken, UnknownTool
from tools.executor import CallContext
from tools.executors.function import FunctionExecutor
from tools.registration import read_registration
from tools.registry import Registry
from tools.spec import ToolSpec, ValidCall


def registration(name: str = "look", word: str = "one", **more: Any) -> Any:
    return read_registration(
        {
            "name": name,
            "description": f"Looks {word}.",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
            "annotations": {"read_only": True},
            "executor": {
                "kind": "http",
                "method": "GET",
                "url": f"https://tools.invalid/{word}",
                "headers": {"Authorization": "Bearer ${TOOL_LOOK_KEY}"},
            },
            **more,
        }
    )


@asynccontextmanager
async def gateway(
    kept: Kept, registry: Registry | None = None
) -> AsyncGenerator[tuple[Registry, Authoring]]:
    """As much of a gateway as hears of tools."""
    registry = registry or Registry()
    backend = ScriptedBackend(["Hi."])
    services = Services(
        AgentLoop(Router(Member(backend, lambda _: 0.0)), registry),
        registry,
        {"intermediary": backend},
        tool_store=kept.tools,
        news=kept.news,
    )
    async with Authoring(services) as authoring:
        yield registry, authoring
    await services.http.aclose()


async def until_said(registry: Registry, name: str, description: str) -> None:
    """Wait for a change that comes from elsewhere."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    end = registry.on_change(lambda: loop.call_soon_threadsafe(changed.set))
    async with asyncio.timeout(5):
        while name not in registry.snapshot() or registry.get(name).description != description:
            await changed.wait()
            changed.clear()
    end()


async def test_everything_about_a_tool_is_there_after_a_restart(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOL_LOOK_KEY", "very-secret")
    async with gateway(kept) as (registry, authoring):
        for word in ("one", "two", "three"):
            await authoring.register(registration(word=word), replace=True)
        await authoring.register(registration("other"), replace=False)
        await authoring.revise(
            "look",
            lambda history: (
                history.with_alias(2, "stable")
                .with_deprecation(1, "use 2")
                .with_current(2)
                .with_canary(3, 0.25)
            ),
        )
        before = registry.history("look")
    async with gateway(kept) as (again, _):
        found = again.history("look")
        assert [spec.name for spec in again.snapshot().specs] == ["look", "other"]
        for name in ("current", "aliases", "canary", "last"):
            assert getattr(found, name) == getattr(before, name)
        for number, version in before.versions.items():
            same = found.versions[number]
            assert (same.digest, same.deprecated) == (version.digest, version.deprecated)
            assert same.entry.spec == version.entry.spec
        for run in map(str, range(50)):
            chosen = [each.offered(["*"], run).get("look").version for each in (registry, again)]
            assert chosen[0] == chosen[1]
    assert "very-secret" not in repr(await kept.tools.after(0))
    assert "${TOOL_LOOK_KEY}" in repr(await kept.tools.after(0))


async def test_a_restarted_gateway_goes_on_counting_versions(kept: Kept) -> None:
    async with gateway(kept) as (_, authoring):
        await authoring.register(registration(word="one"), replace=False)
        await authoring.register(registration(word="two"), replace=True)
    async with gateway(kept) as (_, authoring):
        same = await authoring.register(registration(word="one"), replace=True)
        assert (same.current, same.last) == (1, 2)
        assert (await authoring.register(registration(word="new"), replace=True)).current == 3
        await authoring.remove("look")
    async with gateway(kept) as (registry, authoring):
        assert "look" not in registry.snapshot()
        anew = await authoring.register(registration(word="one"), replace=False)
        assert list(anew.versions) == [4]  # look@1 never means anything else


async def test_what_the_configuration_names_wins_and_is_not_changed_here(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(kept) as (_, authoring):
        await authoring.register(registration(), replace=False)
    configured = Registry()
    configured.register(
        ToolSpec("look", "From a file.", {"type": "object"}), FunctionExecutor(lambda: 1)
    )
    async with gateway(kept, configured) as (registry, authoring):
        assert registry.get("look").description == "From a file."
        assert "look" in caplog.text
        with pytest.raises(NotAuthored):
            await authoring.register(registration(word="two"), replace=True)
        with pytest.raises(NotAuthored):
            await authoring.revise("look", lambda history: history.with_alias(1, "stable"))
        await authoring.remove("look")
        with pytest.raises(UnknownTool):
            await authoring.remove("nobody")
    async with gateway(kept) as (registry, _):
        assert registry.get("look").description == "Looks one."


async def test_what_this_gateway_cannot_use_spoils_nothing_and_is_never_overwritten(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(kept) as (_, authoring):
        await authoring.register(registration("good"), replace=False)
    async with kept.tools.changing(0) as change:
        await change.keep("odd", {"last": 3, "versions": [{"number": 3}]}, since=None)
    async with gateway(kept) as (registry, authoring):
        assert [spec.name for spec in registry.snapshot().specs] == ["good"]
        assert "tool odd of the store can't be used here" in caplog.text
        with pytest.raises(NameTaken, match="delete it first"):
            await authoring.register(registration("odd"), replace=True)
        await authoring.remove("odd")
        assert (await authoring.register(registration("odd"), replace=True)).current == 4


async def test_every_gateway_over_a_database_has_what_one_was_told(url: str) -> None:
    first, second = sql_stores(url), sql_stores(url)
    async with gateway(first) as (here, author), gateway(second) as (there, elsewhere):
        await author.register(registration(word="one"), replace=False)
        await until_said(there, "look", "Looks one.")
        await author.register(registration(word="two"), replace=True)
        await until_said(there, "look", "Looks two.")
        await elsewhere.revise("look", lambda history: history.with_current(1))  # a rollback
        await until_said(here, "look", "Looks one.")
        await author.remove("look")
        await author.register(registration("first"), replace=False)
        await author.register(registration("look", word="back"), replace=False)
        await until_said(there, "look", "Looks back.")
        assert [spec.name for spec in there.snapshot().specs] == ["first", "look"]
        assert there.get("look") == here.get("look")
    await first.aclose()
    await second.aclose()


async def call(registry: Registry, name: str = "look") -> str:
    made = ValidCall("abcdefgh1", registry.get(name), {})
    return (await registry.execute(made, CallContext())).content


async def test_what_bounds_a_tool_holds_in_every_gateway_and_through_a_restart(kept: Kept) -> None:
    bounds: dict[str, Any] = {
        "max_per_minute": 0.001,
        "max_concurrent": 3,
        "breaker": {"failures": 1},
    }
    async with gateway(kept) as (registry, authoring):
        await authoring.register(registration(**bounds), replace=False)
        digest = registry.get("look").digest
    async with gateway(kept) as (again, authoring):
        assert again.get("look").digest == digest
        assert "TOOL_LOOK_KEY is missing" in await call(again)
        paused = await call(again)
        assert "failed 1 times in a row" in paused
        await authoring.register(registration(**bounds), replace=True)
        told, _, _seconds_left = paused.partition("it is tried again in")
        assert (await call(again)).startswith(told), "the same definition is the same version"
        loose: dict[str, Any] = {**bounds, "breaker": {"failures": 5}}
        await authoring.register(registration(**loose), replace=True)
        assert again.get("look").version == 2
        assert "too many calls in a short time" in await call(again)


async def test_authors_at_two_gateways_never_take_the_same_name_or_number(url: str) -> None:
    first, second = sql_stores(url), sql_stores(url)
    async with gateway(first) as (here, one), gateway(second) as (there, two):
        names = await asyncio.gather(
            one.register(registration("math_gcd"), replace=False),
            two.register(registration("math-gcd"), replace=False),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in names) == ["History", "NameTaken"]
        await asyncio.gather(
            *(one.register(registration(word=f"a{at}"), replace=True) for at in range(4)),
            *(two.register(registration(word=f"b{at}"), replace=True) for at in range(4)),
        )
        await one.catch_up()
        await two.catch_up()
        versions = here.history("look").versions
        assert list(versions) == list(range(1, 9))
        assert len({each.digest for each in versions.values()}) == 8
        assert {n: v.digest for n, v in versions.items()} == {
            n: v.digest for n, v in there.history("look").versions.items()
        }
    await first.aclose()
    await second.aclose()


async def test_tools_in_memory_go_with_the_process() -> None:
    kept = memory_stores()
    async with gateway(kept) as (_, authoring):
        await authoring.register(registration(), replace=False)
    await kept.aclose()
    async with gateway(memory_stores()) as (registry, _):
        assert len(registry.snapshot()) == 0
