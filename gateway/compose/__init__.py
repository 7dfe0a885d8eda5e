"""The composition root: settings in, services out.

Only this package names concrete backends and sources of tools.

To add a backend or a kind of tool, write it behind its seam and name it here. Modules that are slow to
import, or that an installation may lack, are imported when the settings ask for them.

Raises `CompositionError` for what is configured and can't be had.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from gateway.access.audit import AuditLog
from gateway.access.check import KeyCheck
from gateway.agent.loop import AgentLoop
from gateway.agent.offering import OfferOptions
from gateway.agent.result_budget import ResultBudget
from gateway.agent.run import Limits
from gateway.agent.till import Till
from gateway.agent.writes import Writes
from gateway.compose.budgets import build_budgets
from gateway.compose.error import CompositionError
from gateway.compose.models import build_router
from gateway.compose.policies import build_policies
from gateway.compose.privacy import build_private
from gateway.compose.retrieval import rank_by_meaning
from gateway.compose.stores import build_stores
from gateway.compose.telemetry import build_telemetry
from gateway.compose.tiers import build_priorities, watch_load
from gateway.compose.tokens import build_tokens
from gateway.compose.tools import register_tools
from gateway.context.options import ContextOptions
from gateway.runtime import settle_collector
from gateway.services import Services
from gateway.settings import Settings, load_settings
from gateway.storage.durable import Bounds
from gateway.storage.keys import KeyStore
from gateway.storage.schedules import ScheduleBounds
from gateway.telemetry.logs import log_to_stderr
from gateway.telemetry.propagation import outgoing_headers
from routing.gauge import Gauge
from tools.dry_run import DryRun
from tools.executors.http_session import HttpSessions
from tools.registry import Registry

if TYPE_CHECKING:
    from fastapi import FastAPI


__all__ = ["CompositionError", "application", "build_application", "build_router", "build_services"]


def application() -> FastAPI:
    """The application of a server process, configured by file and environment."""
    settings = load_settings()
    log_to_stderr(settings.telemetry.logs)
    made = build_application(build_services(settings))
    settle_collector()  # which may have been off until here (`gateway.cli.starting`)
    return made


def build_application(services: Services) -> FastAPI:
    """The REST surface over `services`."""
    from gateway.app import create_app

    return create_app(services)


def build_services(settings: Settings) -> Services:
    """Everything that a gateway consists of. Connections are opened when they are first used."""
    registry, sessions = Registry(), HttpSessions(carried=outgoing_headers)
    with ExitStack() as opened:
        stores = build_stores(settings.storage)
        background = register_tools(registry, settings, sessions, opened)
        audit = AuditLog(stores.audit)
        gauges = list[Gauge]()
        router = build_router(settings, gauges)
        policies = build_policies(settings, audit, stores.rates)
        writes = Writes(stores.ledger, registry.snapshot)
        chosen = settings.tools.retrieval
        offers = OfferOptions(chosen.above, chosen.most, chosen.pinned)
        models = {role: member.backend for role, member in router.members.items()}
        telemetry = build_telemetry(settings, models, registry)
        ranking = rank_by_meaning(settings, registry, telemetry.without_embeddings)
        till = Till(stores.accounts, build_budgets(settings.budgets), telemetry.budgets)
        watches = watch_load(settings.tiers, router, gauges, telemetry.see_tiers)
        private = build_private(settings.privacy)
        loop = AgentLoop(
            router,
            registry,
            policies,
            writes,
            offers,
            till=till,
            private=private,
            early_reads=settings.tools.early_reads,
            files=stores.files,
            results=ResultBudget(settings.tools.results.tokens, settings.tools.results.run_tokens),
            durable=stores.durable,
        )
        limits = settings.limits
        return Services(
            loop=telemetry.watched(loop),
            registry=registry,
            models=models,
            store=stores.runs,
            responses=stores.responses,
            conversations=stores.conversations,
            keys=stores.keys,
            access=_access(settings, stores.keys, sessions),
            audit=audit,
            policies=policies,
            writes=writes,
            suspensions=stores.suspensions,
            till=till,
            tool_store=stores.tools,
            news=stores.news,
            priorities=build_priorities(settings),
            durable=stores.durable,
            queue=Bounds(
                in_process=settings.background.in_process,
                of_tenant=settings.background.of_tenant,
                waiting=settings.background.waiting,
            ),
            schedules=stores.schedules,
            schedule_bounds=ScheduleBounds(
                of_tenant=settings.schedules.of_tenant,
                min_interval_s=settings.schedules.min_interval_s,
            ),
            limits=Limits(
                max_steps=limits.max_steps,
                deadline_s=limits.deadline_s,
                max_cost_usd=limits.max_cost_usd,
                max_calls_per_turn=limits.max_calls_per_turn,
                max_repetition=limits.max_repetition,
                approval_s=limits.approval_s,
                dry=DryRun(settings.tools.dry_run.calls, settings.tools.dry_run.tools),
            ),
            context=ContextOptions(settings.context.strategy, settings.context.keep_last_turns),
            http=sessions,
            files=stores.files,
            allow_private=settings.tools.http.allow_private,
            max_body_bytes=limits.max_body_bytes,
            telemetry=telemetry,
            version=version("agentic-gateway"),
            closers=(
                loop.aclose,
                *ranking.closers,
                *(watch.aclose for watch in watches),
                stores.rates.aclose,
                *telemetry.closers,
                *(member.backend.aclose for member in router.fallbacks),
                partial(asyncio.to_thread, opened.pop_all().close),
            ),
            background=(*background, *ranking.background, *watches),
        )


def _access(settings: Settings, keys: KeyStore, sessions: HttpSessions) -> KeyCheck | None:
    auth = settings.auth
    if not auth.enabled:
        return None
    operator = auth.operator_key.get_secret_value() if auth.operator_key else None
    return KeyCheck(keys, operator, age_s=auth.key_age_s, tokens=build_tokens(auth, sessions))
