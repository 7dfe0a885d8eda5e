"""Where an API is: the address before an operation's path.

What it is: `base_url` when the operator gives one, else the document's first server (of the operation,
its path, or the document; `host`, `basePath` and `schemes` in version 2), variables at their defaults,
relative ones resolved against the document's own address.
What it is not: a judgement on where tools may go; that is made at each request.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from tools.errors import RegistrationError
from tools.executors.http_template import UrlTemplate
from tools.openapi.document import Document, Node
from tools.openapi.reading import is_url

_VARIABLE = re.compile(r"\{([^{}]*)\}")


def base_of(
    document: Document, source: str, base_url: str | None, path_item: Node, operation: Node
) -> str:
    """The base address, without a slash at its end. Raises `RegistrationError`."""
    if base_url is not None:
        return checked_base(base_url, "base_url")
    if document.is_swagger:
        said, place = _swagger_server(document, operation), document.root
    else:
        said, place = _server(document, path_item, operation)
    if is_url(source):
        said = urljoin(source, said)
    elif not is_url(said):
        raise place.wrong(
            f"the document says {said!r} of its server, and comes from a file: give `base_url`"
        )
    return checked_base(said, place.pointer)


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def checked_base(url: str, where: str) -> str:
    """A URL without query, placeholders or slash at its end. Raises `RegistrationError` at `where`."""
    template = UrlTemplate(url, where)
    if template.names or "?" in url:
        raise RegistrationError(where, "must be an address without {…} and without a query")
    return url.rstrip("/")


def _server(document: Document, path_item: Node, operation: Node) -> tuple[str, Node]:
    for owner in (operation, path_item, document.root):
        listed = owner.get("servers")
        server = next(listed.items(), None) if listed is not None else None
        if server is None:
            continue
        variables = server.get("variables")

        def default(
            match: re.Match[str], variables: Node | None = variables, at: Node = server
        ) -> str:
            variable = variables.get(match[1]) if variables is not None else None
            value = variable.get("default") if variable is not None else None
            if value is None:
                raise at.wrong(f"the variable {match[1]!r} has no default: give `base_url`")
            return str(value.value)

        return _VARIABLE.sub(default, server.text("url") or "/"), server
    return "/", document.root


def _swagger_server(document: Document, operation: Node) -> str:
    root = document.root
    listed = operation.get("schemes") or root.get("schemes")
    schemes = [each.value for each in listed.items()] if listed is not None else []
    host, path = root.text("host"), root.text("basePath") or "/"
    if not host:
        return path
    scheme = "https" if "https" in schemes else "http" if "http" in schemes else "https"
    return f"{scheme}://{host}{path}"
