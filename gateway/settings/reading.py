"""The file and the environment into `Settings`, with every mistake told at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.settings.anchoring import anchored
from gateway.settings.everything import Settings
from gateway.settings.explaining import explained
from gateway.settings.models import EMBEDDED_MODEL
from gateway.settings.section import describe
from gateway.settings_document import Document, SettingsError, dotted, read_document


def load_settings(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None
) -> Settings:
    """Reads the file and the environment (`environ`: another one than the process's).

    Raises `SettingsError`.
    """
    environ = os.environ if environ is None else environ
    if path is None:
        path = _find(environ)
    document = read_document(path, environ)
    _default_model(document.data)
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        raise SettingsError([_explain(detail, document) for detail in error.errors()]) from None
    return anchored(settings, path.resolve().parent if path else Path.cwd())


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors and for the reference."""
    describe()
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "gateway configuration"
    # The default of the embedded model is a path of this machine: tell it as the repository has it.
    text = json.dumps(schema).replace(json.dumps(str(EMBEDDED_MODEL)), '"models/nano/nano.gguf"')
    return json.loads(text)


def _find(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("GATEWAY_CONFIG"):
        return Path(named)
    beside = Path("gateway.yaml")
    return beside if beside.is_file() else None


def _default_model(data: dict[str, Any]) -> None:
    """Lets single keys of the embedded model be overridden without spelling it out."""
    models = data.get("models")
    if not isinstance(models, dict):
        return
    intermediary = cast("dict[str, Any]", models).get("intermediary")
    if (
        isinstance(intermediary, dict)
        and not {"backend", "model", "base_url"} & intermediary.keys()
    ):
        embedded = {"backend": "llamacpp", "model": str(EMBEDDED_MODEL)}
        cast("dict[str, Any]", intermediary).update(embedded)


def _explain(detail: ErrorDetails, document: Document) -> str:
    path = tuple(detail["loc"])
    why, remedy = explained(detail, Settings)
    return f"{document.where(path)}: {dotted(path)}: {why}" + (f"; {remedy}" if remedy else "")
