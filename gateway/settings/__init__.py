"""What an operator may set: the only reader of the environment and of configuration files.

(Manifests of tools are read by `gateway.manifests`.) One YAML file (`--config`, else `GATEWAY_CONFIG`, else `./gateway.yaml`, else the defaults), frozen and
typed. Unknown keys are refused with the nearest known name. `${NAME}` is filled from the environment,
and `GATEWAY__A__B` overrides the key `a.b`. Relative paths are relative to the file that names them.
Without a file: the embedded model, the built-in tools, no expert, no authentication, loopback only, and
a SQLite file under `var/`.

Whatever is wrong is raised as one `SettingsError` that lists every problem with its key and its line.
"""

from gateway.settings.everything import Settings
from gateway.settings.mcp import McpSettings
from gateway.settings.models import EMBEDDED_MODEL, ModelSettings
from gateway.settings.reading import json_schema, load_settings
from gateway.settings.storage import StorageSettings
from gateway.settings.tools import OpenAPISettings
from gateway.settings_document import SettingsError

__all__ = [
    "EMBEDDED_MODEL",
    "McpSettings",
    "ModelSettings",
    "OpenAPISettings",
    "Settings",
    "SettingsError",
    "StorageSettings",
    "json_schema",
    "load_settings",
]
