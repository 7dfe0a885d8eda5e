"""The soak finds what grows, and a short one finds nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.soak import ALLOWED, soak, told
from bench.soak_report import SERIES, Allowed, Sample, growth, leaks, picture


def sampled(at_s: float, **grown: float) -> Sample:
    return Sample(at_s, {name: 100.0 + grown.get(name, 0.0) for name in SERIES})


def test_what_goes_up_and_down_has_not_grown() -> None:
    samples = [sampled(at, tasks=5.0 * (at % 3)) for at in range(60)]
    assert growth(samples, "tasks") == pytest.approx(0, abs=2)
    assert leaks(samples, sampled(0), sampled(0), ALLOWED) == []


@pytest.mark.parametrize("name", SERIES)
def test_what_grows_little_by_little_is_found(name: str) -> None:
    samples = [sampled(at, **{name: at + 5.0 * (at % 3)}) for at in range(60)]
    [found] = leaks(samples, sampled(0), sampled(0), ALLOWED)
    assert found.startswith(SERIES[name])


@pytest.mark.parametrize("name", ["tasks", "sockets"])
def test_one_that_is_left_when_everybody_has_gone_is_found(name: str) -> None:
    [found] = leaks([sampled(0), sampled(9)], sampled(0), sampled(0, **{name: 1.0}), ALLOWED)
    assert "while idle" in found


def test_the_picture_has_a_line_for_each_series() -> None:
    drawn = ET.fromstring(picture([sampled(at) for at in range(5)]))
    assert sum(each.tag.endswith("polyline") for each in drawn.iter()) == len(SERIES)


async def test_a_short_soak_leaves_nothing_behind(tmp_path: Path) -> None:
    found = await soak(tmp_path, 12.0, cpu_share=0.15, saturate_s=3.0)
    # what is open at a time says little in so short a time; what is left says it all
    much = dict.fromkeys(SERIES, 100.0)
    assert leaks(found.samples, found.before, found.after, Allowed(much, ALLOWED.idle)) == [], told(
        found
    )
    assert not found.load.wrong, told(found)
    assert found.load.done.total() > 10
