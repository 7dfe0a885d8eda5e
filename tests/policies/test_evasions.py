"""What people write so that a filter does not see it, as data: `evasions.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.filters.known import KNOWN
from policies.filters.listed import pattern, words
from policies.filters.sieve import Detector, Segment, Sieve, segments

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "evasions.yaml").read_text(encoding="utf-8")
)


def detectors(case: dict[str, Any]) -> list[Detector]:
    made: list[Detector] = [each for kind in case.get("find", ()) for each in KNOWN[kind]]
    if "listed" in case:
        listed = words(case["listed"])
        made += [listed, listed.taken_apart()]
    if "pattern" in case:
        made.append(pattern(case["pattern"]))
    return made


def found(told: list[Segment]) -> list[str]:
    return [each.text for each in told if each.kind]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_what_is_written_otherwise_is_found_or_said_not_to_be(case: dict[str, Any]) -> None:
    text = case["text"]
    assert found(segments(text, detectors(case))) == case["found"]
    for size in (1, 2, 3, 7):
        sieve = Sieve(detectors(case))
        told = [
            each for at in range(0, len(text), size) for each in sieve.feed(text[at : at + size])
        ]
        told += sieve.finish()
        assert "".join(each.text for each in told) == text
        assert found(told) == case["found"], size
