"""A container without keys is open to its own machine at most."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.peers import program

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


@pytest.mark.parametrize("profile", ["cpu", "gpu", "observe"])
def test_compose_takes_the_file_by_its_schema_and_resolves_it(profile: str, tmp_path: Path) -> None:
    whole = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    name = "name: agentic-gateway\n"
    assert whole.count(name) == 1
    file = tmp_path / "docker-compose.yml"  # Debian's is older than `name`, and knows the rest
    file.write_text(whole.replace(name, ""), encoding="utf-8")
    command = [program("docker-compose"), "--project-directory", str(ROOT), "-f", str(file)]
    done = subprocess.run(
        [*command, "--profile", profile, "config", "--services"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(whole)["services"]
    wanted = {each for each, told in services.items() if profile in told["profiles"]}
    assert wanted
    assert wanted <= set(done.stdout.split())
