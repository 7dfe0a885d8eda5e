"""Budgets as metrics. Their names are the operator's, so there are few; whose accounts they are is no label."""

from __future__ import annotations

from gateway.budgets import Budget
from gateway.telemetry.instruments import Instruments


class BudgetMetrics:
    """A `gateway.agent.till.BudgetMeter`."""

    def __init__(self, instruments: Instruments) -> None:
        self._made = instruments

    def held(self, budget: Budget, usd: float, share: float) -> None:
        self._made.budget_reserved.labels(budget.name).inc(usd)
        self._made.budget_used.labels(budget.name).set(share)

    def booked(self, budget: Budget, held_usd: float, spent_usd: float) -> None:
        self._made.budget_reserved.labels(budget.name).dec(held_usd)
        self._made.budget_spent.labels(budget.name).inc(spent_usd)

    def refused(self, budget: Budget) -> None:
        self._made.budget_refusals.labels(budget.name).inc()
