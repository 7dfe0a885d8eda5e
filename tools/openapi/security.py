"""How an operation is authenticated, from its schemes and the variables that the operator names.

What it is: `auth` maps a scheme of the document to an environment variable that begins with `TOOL_`, or to
None where the gateway need not authenticate (a proxy does). The first alternative all of whose schemes
are mapped is used.
What it is not: OAuth flows; for `oauth2` and `openIdConnect` the variable holds a token.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.errors import RegistrationError
from tools.executors.credentials import Credential, Credentials
from tools.executors.http import SECRET_PREFIX
from tools.executors.http_template import HEADER_NAME, RESERVED_HEADERS
from tools.near import near_names
from tools.openapi.document import Document, Node
from tools.wording import show

Auth = Mapping[str, str | None]


def check_auth(document: Document, auth: Auth) -> None:
    """Raises `RegistrationError` for schemes that the document lacks and variables tools may not read."""
    known = _schemes(document)
    names = list(known.object()) if known is not None else []
    for scheme, variable in auth.items():
        if scheme not in names:
            near = near_names(scheme, names) or names
            raise RegistrationError(
                f"auth.{scheme}", f"no security scheme of the document; there is: {', '.join(near)}"
            )
        if variable is not None and not variable.startswith(SECRET_PREFIX):
            raise RegistrationError(
                f"auth.{scheme}",
                f"{show(variable)}: name a variable of the environment that begins with {SECRET_PREFIX}",
            )


def credentials_of(document: Document, operation: Node, auth: Auth) -> Credentials:
    """What the operation needs. Raises `RegistrationError` when no alternative is mapped."""
    security = operation.get("security") or document.root.get("security")
    alternatives = list(security.items()) if security is not None else []
    if not alternatives:
        return Credentials()
    mapped = [one for one in alternatives if one.object().keys() <= auth.keys()]
    best = next((one for one in mapped if one.object()), next(iter(mapped), None))
    if best is None:
        needed = " or ".join(" with ".join(one.object()) for one in alternatives)
        raise alternatives[0].wrong(
            f"needs authentication: set auth for {needed}, to the name of a {SECRET_PREFIX}… variable"
        )
    pairs = [(name, auth[name]) for name in best.object()]
    return Credentials(
        tuple(
            _credential(document, best, name, variable)
            for name, variable in pairs
            if variable is not None
        )
    )


def _schemes(document: Document) -> Node | None:
    if document.is_swagger:
        return document.root.get("securityDefinitions")
    components = document.root.get("components")
    return components.get("securitySchemes") if components is not None else None


def _credential(document: Document, at: Node, name: str, variable: str) -> Credential:
    schemes = _schemes(document)
    found = schemes.get(name) if schemes is not None else None
    if found is None:
        raise at.wrong(f"there is no security scheme {show(name)}")
    scheme = document.resolved(found)
    kind, http = scheme.text("type"), scheme.text("scheme").lower()
    if kind in ("oauth2", "openIdConnect") or (kind == "http" and http == "bearer"):
        return Credential("bearer", variable)
    if kind == "basic" or (kind == "http" and http == "basic"):
        return Credential("basic", variable)
    where, spelled = scheme.text("in"), scheme.text("name")
    if kind == "apiKey" and where == "query" and spelled:
        return Credential("query", variable, spelled)
    if kind == "apiKey" and where == "header":
        if not HEADER_NAME.fullmatch(spelled) or spelled.lower() in RESERVED_HEADERS:
            raise scheme.wrong(f"{show(spelled)} is no header that a tool may set")
        return Credential("header", variable, spelled)
    told = f"{kind} in {where}" if kind == "apiKey" else f"{kind} {http}".strip()
    raise scheme.wrong(f"the scheme {told!r} is not supported")
