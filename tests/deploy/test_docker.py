"""A container without keys is open to its own machine at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FLAG = "--insecure-no-auth"


def test_the_image_does_not_say_by_itself_that_nobody_needs_a_key() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    [entry] = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert "0.0.0.0" in entry
    assert FLAG not in entry
    assert not any(line.startswith("CMD") for line in lines)


def test_what_needs_no_key_is_published_on_loopback_only() -> None:
    compose: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = compose["services"]
    open_ones = [each for each in services.values() if FLAG in each.get("command", [])]
    assert len(open_ones) == 2
    for each in services.values():
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", []))
