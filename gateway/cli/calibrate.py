"""`gateway calibrate`: how far the intermediary's confidence can be trusted, and from where on to lend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import CommandError, Exit, explained

if TYPE_CHECKING:
    from routing.calibration import Calibration

_DEFAULT = Path("var/calibration.json")


def calibrate(
    files: Annotated[list[Path], typer.Argument(help="Decisions, from `gateway eval --record`.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the calibration is written.")] = _DEFAULT,
    target: Annotated[
        float,
        typer.Option(min=0.0001, max=0.5, help="At most this share of decisions is made wrongly."),
    ] = 0.02,
    destroy_target: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            max=0.5,
            help="The same for what can't be undone; by default half of --target.",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=0.9999,
            help="How likely this file keeps its targets, such as 0.9; by default files keep them on average.",
        ),
    ] = None,
) -> None:
    """Fit probabilities on recorded decisions and choose thresholds with a guarantee."""
    from gateway.cli.decisions import read
    from routing.calibration_fit import TooThin, fit

    with explained():
        recorded = read(files)
        final = target / 2 if destroy_target is None else destroy_target
        targets = {"read": target, "write": target, "destroy": final}
        try:
            made = fit(recorded.model, recorded.decisions, targets, confidence)
        except TooThin as thin:
            hint = "record more: gateway eval REQUESTS.yaml --record FILE (or ask for less: --target, --confidence)"
            raise CommandError(f"too little data: {thin}", hint, code=Exit.NO) from thin
        made.write(out)
    _print(made, out)


def _print(made: Calibration, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    report = made.report
    console = Console(highlight=False)
    console.print(
        f"{made.model}: fitted on {report['fitted_on']} decisions, judged on {report['held_out']} "
        f"others, {report['right']:.1%} of them right"
    )
    console.print(
        f"AUROC {report['auroc']:.3f}, ECE {report['ece']:.3f}, Brier {report['brier']:.3f}"
    )
    table = Table("calls that", "wrong, at most", "made from probability", box=None, pad_edge=False)
    for effect, threshold in made.thresholds.items():
        told = f"{threshold:.3f}" if threshold <= 1 else "never: all are lent"
        table.add_row(effect, f"{made.targets[effect]:.1%}", told)
    console.print(table)
    sure = report["confidence"]
    console.print(
        "kept on average over many calibrations; --confidence 0.9 keeps it with this one, so likely"
        if sure is None
        else f"kept with a confidence of {sure:.2%}"
    )
    console.print(
        f"with them {report['coverage']:.1%} are made, {report['wrong_calls']:.2%} wrongly; "
        "the rest is lent"
    )
    curve = Table("made", "of all wrong", "from probability", box=None, pad_edge=False)
    for threshold, coverage, risk in report["risk_coverage"]:
        curve.add_row(f"{coverage:.0%}", f"{risk:.2%}", f"{min(threshold, 1):.3f}")
    console.print(curve)
    own = ", ".join(report["own_maps"]) or "none"
    console.print(f"tools with a map of their own: {own}\nwritten: {out}")
    console.print(f"to use it: escalation: {{calibration: {out}}}")
