"""One operation of a document → a tool, or a `RegistrationError` that says why not.

What it is: name, description, effect, schema and request template of one operation.
What it is not: which operations are wanted, and names that collide (`tools.openapi.importing`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import quote

from tools.effect_names import EffectName
from tools.errors import RegistrationError
from tools.executors.credentials import Credentials
from tools.executors.http_template import Method
from tools.executors.openapi import OperationTemplate, Part
from tools.naming import tool_name
from tools.openapi.arguments import merge
from tools.openapi.bodies import read_body
from tools.openapi.dialect import Dialect
from tools.openapi.document import Document, Node
from tools.openapi.parameters import Parameter, read_parameters
from tools.openapi.responses import read_returns
from tools.openapi.security import Auth, credentials_of
from tools.openapi.servers import base_of, origin_of
from tools.overrides import Override
from tools.spec import DECLARED, ToolSpec

METHODS = ("get", "head", "post", "put", "patch", "delete")
_MAX_DESCRIPTION = 1_000
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BY_METHOD: dict[str, EffectName] = {
    "get": "read",
    "head": "read",
    "put": "idempotent_write",
    "delete": "destroy",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A document that is imported, as the operator configures it.

    `spec` is a path or URL; `include` and `exclude` are globs over operationIds and `GET /path`; `auth`
    maps security schemes to variables; `effects` maps operationIds to what they do, `overrides` to what else
    is said of them; `timeout_s` bounds one attempt and `cache_s` is how long reads may be answered from
    memory, in seconds.
    """

    spec: str
    base_url: str | None = None
    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    prefix: str = ""
    auth: Auth = field(default_factory=dict[str, "str | None"])
    effects: Mapping[str, EffectName] = field(default_factory=dict[str, EffectName])
    overrides: Mapping[str, Override] = field(default_factory=dict[str, Override])
    timeout_s: float = 30.0
    cache_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation where it stands in the document."""

    node: Node
    path_item: Node
    method: str
    path: str

    @property
    def label(self) -> str:
        """`GET /pets/{id}`"""
        return f"{self.method.upper()} {self.path}"

    @property
    def id(self) -> str:
        """The document's own id, else one made of method and path."""
        made = f"{self.method}_{self.path.strip('/').replace('{', '').replace('}', '')}"
        return self.node.text("operationId") or made

    @property
    def deprecated(self) -> str | None:
        """A word for those who use it, where its author says that it is on its way out."""
        return "deprecated by its author" if self.node.object().get("deprecated") is True else None


@dataclass(frozen=True, slots=True)
class OperationTool:
    """An operation as a tool. `notes` says what of it was left out."""

    spec: ToolSpec
    template: OperationTemplate
    operation: Operation
    notes: tuple[str, ...] = ()


def read_operation(document: Document, source: Source, operation: Operation) -> OperationTool:
    """The tool of an operation. Raises `RegistrationError` whose `where` points into the document."""
    node, method = operation.node, operation.method.upper()
    notes: list[str] = []
    credentials = credentials_of(document, node, source.auth)
    parameters, swagger = read_parameters(document, operation.path_item, node, notes)
    parameters = [each for each in parameters if not _is_credential(each, credentials)]
    body = read_body(document, node, method, swagger, notes)
    dialect = Dialect(document, "readOnly")
    arguments = merge(parameters, body, dialect)
    effect = source.effects.get(operation.id, _BY_METHOD.get(operation.method, "write"))
    base = base_of(document, source.spec, source.base_url, operation.path_item, node)
    if credentials.each and source.base_url is None:
        _same_origin(source.spec, base, node)
    spec = ToolSpec(
        name=tool_name(source.prefix + operation.id),
        description=_description(operation),
        parameters=arguments.schema,
        returns=read_returns(document, node, notes),
        annotations=DECLARED[effect],
        timeout_s=source.timeout_s,
        cache_s=source.cache_s if effect == "read" else 0.0,
    )
    path, query, headers = (
        tuple(part for part in arguments.parts if part.place == place)
        for place in ("path", "query", "header")
    )
    template = OperationTemplate(
        cast("Method", method),
        base,
        _path(operation, path),
        query,
        headers,
        arguments.body,
        credentials,
    )
    if operation.deprecated is not None:
        notes.append(operation.deprecated)
    return OperationTool(spec, template, operation, tuple(notes + dialect.notes))


def without_returns(tool: OperationTool, why: str) -> OperationTool:
    """A tool whose answers nothing is promised about."""
    spec = replace(tool.spec, returns=None)
    return replace(tool, spec=spec, notes=(*tool.notes, f"what it returns is not declared: {why}"))


def _description(operation: Operation) -> str:
    summary, more = (
        operation.node.text("summary").strip(),
        operation.node.text("description").strip(),
    )
    if more.startswith(summary.rstrip(".")):
        summary = ""
    text = "\n\n".join(part for part in (summary, more) if part) or operation.label
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1] + "…"


def _path(operation: Operation, parts: tuple[Part, ...]) -> tuple[str | Part, ...]:
    """Literal pieces, encoded, and parts in turn."""
    path, node = operation.path, operation.node
    if not path.startswith("/") or "?" in path or "#" in path:
        raise node.wrong(f"{path!r} is no path: it begins with / and has no query or fragment")
    named = {part.name: part for part in parts}
    pieces: list[str | Part] = []
    for index, piece in enumerate(_PLACEHOLDER.split(path)):
        if index % 2 == 0:
            pieces.append(quote(piece, safe="/:@!$&'()*+,;=-._~%"))
        elif piece in named:
            pieces.append(named[piece])
        else:
            raise node.wrong(f"the path needs {{{piece}}}, which no parameter declares")
    if unused := named.keys() - set(_PLACEHOLDER.findall(path)):
        raise node.wrong(f"the path has no place for {', '.join(sorted(unused))}")
    return tuple(piece for piece in pieces if piece != "")


def _is_credential(parameter: Parameter, credentials: Credentials) -> bool:
    """Whether the gateway sends this itself: a model is not asked for a key."""
    sent = {
        ("query" if each.kind == "query" else "header", each.name.lower())
        for each in credentials.each
    }
    return (parameter.place, parameter.name.lower()) in sent


def _same_origin(spec: str, base: str, operation: Node) -> None:
    """A document that was fetched must not be able to send secrets elsewhere."""
    if spec.startswith(("http://", "https://")) and origin_of(spec) != origin_of(base):
        raise RegistrationError(
            operation.pointer,
            f"its server {base} is not where the document came from, and secrets are sent only where the"
            " configuration says: give `base_url`",
        )
