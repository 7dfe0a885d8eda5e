"""The whole configuration."""

from __future__ import annotations

from gateway.settings.auth import AuthSettings
from gateway.settings.background import BackgroundSettings
from gateway.settings.budgets import BudgetSettings
from gateway.settings.context import ContextSettings
from gateway.settings.escalation import EscalationSettings
from gateway.settings.limits import LimitsSettings
from gateway.settings.models import ModelsSettings
from gateway.settings.policies import PoliciesSettings
from gateway.settings.privacy import PrivacySettings
from gateway.settings.schedules import SchedulesSettings
from gateway.settings.section import Section
from gateway.settings.server import ServerSettings
from gateway.settings.storage import StorageSettings
from gateway.settings.telemetry import TelemetrySettings
from gateway.settings.tiers import PrioritySettings, TiersSettings
from gateway.settings.tools import ToolsSettings


class Settings(Section):
    """Everything that can be set."""

    models: ModelsSettings = ModelsSettings()
    tiers: TiersSettings = TiersSettings()
    priorities: tuple[PrioritySettings, ...] = ()
    """How urgent the requests of keys and tenants may be. See docs/tiers.md."""
    tools: ToolsSettings = ToolsSettings()
    limits: LimitsSettings = LimitsSettings()
    budgets: tuple[BudgetSettings, ...] = ()
    """What may be spent on models, by key, tenant and period. See docs/budgets.md."""
    background: BackgroundSettings = BackgroundSettings()
    schedules: SchedulesSettings = SchedulesSettings()
    context: ContextSettings = ContextSettings()
    escalation: EscalationSettings = EscalationSettings()
    policies: PoliciesSettings = PoliciesSettings()
    privacy: PrivacySettings = PrivacySettings()
    storage: StorageSettings = StorageSettings()
    auth: AuthSettings = AuthSettings()
    server: ServerSettings = ServerSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
