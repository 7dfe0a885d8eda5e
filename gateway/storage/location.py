"""The URL of a database as people may see it."""

from __future__ import annotations

import re


def without_password(url: str) -> str:
    """The URL without its password, however odd it is."""
    url = re.sub(r"(://[^:/@?]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:password|passfile|sslpassword)=)[^&]*", r"\1***", url)
