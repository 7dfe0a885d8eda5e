"""`gateway calibrate`: recorded decisions in, a file that the router loads out, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from gateway.cli import commands
from gateway.cli.decisions import line, of_run
from gateway.compose import CompositionError, build_services
from gateway.settings import load_settings
from routing.calibration import Calibration
from routing.confidence import CallEvidence


def recorded(folder: Path, n: int = 600, model: str = "nano") -> Path:
    rng = Random(3)
    file = folder / "decisions.jsonl"
    lines: list[str] = []
    for index in range(n):
        margin = rng.uniform(0, 6)
        evidence = CallEvidence("calculate", "read", name_margin=margin, name_logprob=-0.1)
        right = rng.random() < 0.4 + margin / 10
        lines.append(line(model, str(index), evidence.as_json(), right=right))
    file.write_text("".join(lines), encoding="utf-8")
    return file


def test_it_writes_what_the_router_loads(tmp_path: Path) -> None:
    out = tmp_path / "made" / "calibration.json"
    told = CliRunner().invoke(
        commands(), ["calibrate", str(recorded(tmp_path)), "--out", str(out), "--target", "0.1"]
    )
    assert told.exit_code == 0, told.output
    assert "AUROC" in told.output
    made = Calibration.read(out)
    assert (made.model, made.targets["read"], made.targets["destroy"]) == ("nano", 0.1, 0.05)
    config = tmp_path / "gateway.yaml"
    config.write_text(
        "models: {expert: {backend: litellm, model: a/b}}\nstorage: {url: 'memory:'}\n"
        f"escalation: {{calibration: {out}, thresholds: {{'delete_*': 0.99}}}}\n"
    )
    services = build_services(load_settings(config, environ={}))
    assert services.models["intermediary"].model == "nano"


def test_a_confidence_makes_thresholds_stricter_and_is_written_down(tmp_path: Path) -> None:
    file, thresholds = recorded(tmp_path), list[float]()
    for sure in ([], ["--confidence", "0.95"]):
        out = tmp_path / "c.json"
        told = CliRunner().invoke(
            commands(), ["calibrate", str(file), "--out", str(out), "--target", "0.2", *sure]
        )
        assert told.exit_code == 0, told.output
        made = Calibration.read(out)
        thresholds.append(made.threshold("read"))
        assert made.report["confidence"] == (0.95 if sure else None)
        assert ("confidence of 95.00%" in told.output) is bool(sure)
    assert thresholds[0] < thresholds[1] <= 1


def test_a_calibration_of_another_model_is_refused_at_the_start(tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    CliRunner().invoke(
        commands(),
        ["calibrate", str(recorded(tmp_path, model="other")), "--out", str(out), "--target", "0.1"],
    )
    config = tmp_path / "gateway.yaml"
    config.write_text(f"storage: {{url: 'memory:'}}\nescalation: {{calibration: {out}}}\n")
    with pytest.raises(CompositionError, match="fitted on 'other'"):
        build_services(load_settings(config, environ={}))


def test_too_little_data_is_a_no_with_what_to_do(tmp_path: Path) -> None:
    file = recorded(tmp_path, n=60)
    told = CliRunner().invoke(
        commands(), ["calibrate", str(file), "--out", str(tmp_path / "c.json")]
    )
    assert told.exit_code == 1
    assert "too little data" in told.output
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize(
    "text",
    ["no json\n", '{"model": "a"}\n', '{"model": "a", "right": 1, "evidence": {"tool": "x"}}'],
)
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.jsonl"
    file.write_text(text)
    told = CliRunner().invoke(commands(), ["calibrate", str(file)])
    assert told.exit_code == 2
    assert "d.jsonl:1" in told.output


def test_decisions_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    for folder, model in ((one, "a"), (two, "b")):
        folder.mkdir()
        recorded(folder, 5, model)
    told = CliRunner().invoke(
        commands(), ["calibrate", *(str(f / "decisions.jsonl") for f in (one, two))]
    )
    assert told.exit_code == 2
    assert "several models: a, b" in told.output


def test_a_run_becomes_lines_by_the_intermediarys_calls_alone() -> None:
    evidence = CallEvidence("add").as_json()
    small = {"role": "intermediary", "model": "nano", "calls": [{}], "evidence": [evidence]}
    large = {"role": "expert", "model": "big", "calls": [{}], "evidence": []}
    lines = list(of_run({"steps": [small, large, small]}, "g", [True, False, False]))
    assert [json.loads(each)["right"] for each in lines] == [True, False]
