"""The pages of docs/reference, each made from the code that it tells of: `PAGES`, by name."""

from __future__ import annotations

from collections.abc import Callable

from scripts.reference import cli, error_page, events, metrics, rest

PAGES: dict[str, Callable[[], str]] = {
    "rest.md": rest.page,
    "cli.md": cli.page,
    "errors.md": error_page.page,
    "events.md": events.page,
    "metrics.md": metrics.page,
}
