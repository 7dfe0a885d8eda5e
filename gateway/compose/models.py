"""The models in their roles, each behind the backend that the settings name."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.compose.escalation import build_strategies, measures
from gateway.compose.images import ImageSource
from gateway.compose.tiers import tiered
from gateway.settings import ModelSettings, Settings
from gateway.telemetry.propagation import outgoing_headers
from routing.backends.openai_http import HttpTimeouts
from routing.consistency import SelfConsistent
from routing.gauge import Gauge
from routing.pool import Pool
from routing.remote_images import RemoteImages
from routing.router import Member, Price, Router, dearest, free
from routing.unconstrained import Unconstrained

if TYPE_CHECKING:
    from routing.backends.litellm import LiteLLMBackend
    from routing.backends.llamacpp import LlamaCppBackend
    from routing.backends.vllm import VllmBackend


def build_router(settings: Settings, gauges: list[Gauge] | None = None) -> Router:
    """The models in their roles with their prices, and the strategies of escalation.

    Engines whose load is to be watched are added to `gauges`.
    """
    models, escalation = settings.models, settings.escalation
    watched = [] if gauges is None else gauges
    intermediary = _intermediary(settings, watched)
    usual, by_tenant = build_strategies(escalation, intermediary.backend)
    return Router(
        intermediary,
        _member("expert", models.expert, watched) if models.expert else None,
        usual,
        by_tenant=by_tenant,
        fallbacks=[_member(f"fallback-{n}", one) for n, one in enumerate(models.fallbacks, 1)],
        measures=measures(escalation) and models.expert is not None,
    )


def _intermediary(settings: Settings, watched: list[Gauge]) -> Member:
    role, model, tiers = "intermediary", settings.models.intermediary, settings.tiers
    if (overflow := tiers.overflow) is None:
        return _member(role, model, watched)
    first, other = list[Gauge](), list[Gauge]()
    stale_s = tiers.stale_s
    member = _member(role, model, first, stale_s, always=True)
    second = _member(f"{role}-{overflow.name}", overflow.model, other, stale_s, always=True)
    watched += (*first, *other)
    both = tiered(tiers, (member.backend, first), (overflow, second.backend, other))
    by_tier = {tiers.name: member.price, overflow.name: second.price}
    return Member(both, dearest(member.price, second.price), by_tier)


def _member(
    role: str,
    model: ModelSettings,
    gauges: list[Gauge] | None = None,
    stale_s: float = 5.0,
    *,
    always: bool = False,
) -> Member:
    """`gauges` takes those of vLLM's engines, of a single one only with `always`."""
    price = model.price and Price(model.price.input_per_million, model.price.output_per_million)
    match model.backend:
        case "vllm":
            engines = [_vllm(role, model, str(url)) for url in (model.base_url, *model.replicas)]
            told = [
                Gauge(f"{role} at {url}", engine.metrics, stale_s=stale_s)
                for engine, url in zip(engines, (model.base_url, *model.replicas), strict=True)
                if gauges is not None and (always or model.replicas)
            ]
            if gauges is not None:
                gauges += told
            backend = Pool(engines, gauges=told) if model.replicas else engines[0]
            member = Member(backend, price or free)
        case "llamacpp":
            member = Member(_llamacpp(role, model), price or free)
        case "litellm":
            backend = _litellm(role, model)
            member = Member(backend, price or backend.price_usd)
    if not model.grammar:
        member = replace(member, backend=Unconstrained(member.backend))
    if model.samples:
        member = replace(member, backend=SelfConsistent(member.backend, model.samples))
    if model.images:
        images = ImageSource()
        backend = RemoteImages(member.backend, images.fetch, images.aclose)
        member = replace(member, backend=backend)
    return member


def _vllm(role: str, model: ModelSettings, url: str) -> VllmBackend:
    from routing.backends.vllm import VllmBackend

    return VllmBackend(
        role,
        model.model,
        url,
        api_key=_secret(model),
        context_tokens=model.context_tokens,
        timeouts=HttpTimeouts(model.timeouts.connect_s, model.timeouts.idle_s),
        accepts_images=model.images,
        tokenizer=model.tokenizer,
        carried=outgoing_headers,
        priorities=model.priority_scheduling,
    )


def _llamacpp(role: str, model: ModelSettings) -> LlamaCppBackend:
    from routing.backends.llamacpp import LlamaCppBackend

    build = partial(
        LlamaCppBackend,
        role,
        Path(model.model),
        tokenizer=model.tokenizer,
        threads=model.llamacpp.threads,
        slots=model.llamacpp.slots,
        gpu_layers=model.llamacpp.gpu_layers,
        stall_s=model.timeouts.idle_s,
        fold_history=model.fold_history,
    )
    return build(context_tokens=model.context_tokens) if model.context_tokens else build()


def _litellm(role: str, model: ModelSettings) -> LiteLLMBackend:
    from routing.backends.litellm import LiteLLMBackend

    return LiteLLMBackend(
        role,
        model.model,
        base_url=str(model.base_url) if model.base_url else None,
        api_key=_secret(model),
        context_tokens=model.context_tokens,
        timeouts=HttpTimeouts(model.timeouts.connect_s, model.timeouts.idle_s),
        accepts_images=model.images,
    )


def _secret(model: ModelSettings) -> str | None:
    return model.api_key.get_secret_value() if model.api_key else None
