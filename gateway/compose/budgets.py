"""The budgets that the settings name."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.budgets import Budget
from gateway.settings.budgets import BudgetSettings


def build_budgets(settings: Sequence[BudgetSettings]) -> list[Budget]:
    """In their order, which decides where several are for the same."""
    return [
        Budget(
            name=each.name or f"{each.per}-{each.every}",
            usd=each.usd,
            per=each.per,
            every=each.every,
            tenants=each.tenants,
            keys=each.keys,
        )
        for each in settings
    ]
