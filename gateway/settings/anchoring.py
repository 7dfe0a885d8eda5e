"""Relative paths in a configuration are relative to the file that names them."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.everything import Settings
from gateway.settings.models import ModelSettings
from gateway.settings.storage import SQLITE
from gateway.settings.tools import OpenAPISettings


def anchored(settings: Settings, base: Path) -> Settings:
    """`settings` with every path of a file made absolute; relative ones begin at `base`."""

    def model(one: ModelSettings) -> ModelSettings:
        paths: dict[str, object] = {}
        if one.backend == "llamacpp":
            paths["model"] = str(base / Path(one.model).expanduser())
        if one.tokenizer is not None:
            paths["tokenizer"] = base / one.tokenizer.expanduser()
        return one.model_copy(update=paths)

    models, tools = settings.models, settings.tools
    models = models.model_copy(
        update={
            "intermediary": model(models.intermediary),
            "expert": model(models.expert) if models.expert else None,
            "fallbacks": tuple(map(model, models.fallbacks)),
        }
    )
    tiers = settings.tiers
    if (overflow := tiers.overflow) is not None:
        overflow = overflow.model_copy(update={"model": model(overflow.model)})
        tiers = tiers.model_copy(update={"overflow": overflow})
    tools = tools.model_copy(
        update={
            "notes_path": base / tools.notes_path.expanduser(),
            "mcp_pins": base / tools.mcp_pins.expanduser(),
            "manifests": tuple(str(base / Path(one).expanduser()) for one in tools.manifests),
            "openapi": tuple(_anchored_spec(one, base) for one in tools.openapi),
        }
    )
    escalation = settings.escalation
    if escalation.calibration is not None:
        file = base / escalation.calibration.expanduser()
        escalation = escalation.model_copy(update={"calibration": file})
    policies = settings.policies
    for name in ("file", "cedar"):
        if (path := getattr(policies, name)) is not None:
            policies = policies.model_copy(update={name: base / path.expanduser()})
    storage = settings.storage
    if storage.url.startswith(SQLITE):
        file = base / Path(storage.url.removeprefix(SQLITE)).expanduser()
        storage = storage.model_copy(update={"url": f"{SQLITE}{file}"})
    return settings.model_copy(
        update={
            "models": models,
            "tiers": tiers,
            "tools": tools,
            "escalation": escalation,
            "policies": policies,
            "storage": storage,
        }
    )


def _anchored_spec(one: OpenAPISettings, base: Path) -> OpenAPISettings:
    if one.spec.startswith(("http://", "https://")):
        return one
    return one.model_copy(update={"spec": str(base / Path(one.spec).expanduser())})
