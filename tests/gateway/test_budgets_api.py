"""Budgets as apps and operators meet them: the refusal, what is left, the metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.agent.till import Till
from gateway.budgets import Budget
from gateway.compose import build_services
from gateway.settings import load_settings
from gateway.telemetry.budgets import BudgetMetrics
from gateway.telemetry.instruments import Instruments
from gateway.telemetry.workers import exposition
from routing.backends.scripted import Say
from tests.gateway.conftest import Serve


async def test_a_spent_budget_is_a_429_that_clients_do_not_repeat(serve: Serve) -> None:
    budget = Budget("tenant-day", usd=0.0001, every="day")
    gateway = await serve([], till=Till(budgets=[budget]))
    answer = await gateway.chat()
    assert answer.status_code == 429
    assert answer.json()["error"]["type"] == "insufficient_quota"
    assert answer.json()["error"]["code"] == "budget_spent"
    assert "The budget tenant-day has $0.000100 of $0.0001 left" in answer.text
    assert answer.headers["x-should-retry"] == "false"
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert gateway.intermediary.turns == []


async def test_what_is_left_is_told(serve: Serve) -> None:
    budget = Budget("tenant-month", usd=1.0)
    gateway = await serve([Say("Hi.")], till=Till(budgets=[budget]))
    await gateway.chat()
    [told] = (await gateway.http.get("/v1/budgets")).json()["data"]
    assert told["spent_usd"] == pytest.approx(110 * 0.1e-6)
    assert told["reserved_usd"] == 0
    assert told["left_usd"] == pytest.approx(1 - told["spent_usd"])
    assert (told["name"], told["limit_usd"], told["every"]) == ("tenant-month", 1.0, "month")
    [other] = (await gateway.http.get("/v1/budgets", params={"tenant": "b"})).json()["data"]
    assert other["spent_usd"] == 0


async def test_a_budget_holds_for_each_tenant_and_key_by_itself() -> None:
    till = Till(budgets=[Budget("b", 1, per="key"), Budget("all", 2, per="all", every="ever")])
    accounts = {
        standing.line.account
        for tenant, key in (("a", "k"), ("a", "l"), ("b", "k"))
        for standing in await till.standing(tenant, key)
    }
    assert len(accounts) == 4


def test_the_metrics_tell_budgets_and_nobodys_name() -> None:
    made = Instruments()
    metrics, budget = BudgetMetrics(made), Budget("tenant-month", 1.0)
    metrics.held(budget, 0.25, 0.75)
    metrics.booked(budget, 0.25, 0.125)
    metrics.refused(budget)
    told = exposition(made.registry).decode()
    for line in (
        'gateway_budget_spent_usd_total{budget="tenant-month"} 0.125',
        'gateway_budget_reserved_usd{budget="tenant-month"} 0.0',
        'gateway_budget_refusals_total{budget="tenant-month"} 1.0',
        'gateway_budget_used_ratio{budget="tenant-month"} 0.75',
    ):
        assert line in told


async def test_budgets_are_configured(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "storage: {url: 'memory:'}\n"
        "budgets: [{usd: 500, tenants: [default]}, {usd: 50}, {usd: 5, per: key, every: day}]\n"
    )
    services = build_services(load_settings(path, environ={}))
    standing = await services.till.standing("default", "")
    assert [(each.budget.name, each.budget.usd) for each in standing] == [
        ("tenant-month", 500),
        ("key-day", 5),
    ]
    await services.aclose()
