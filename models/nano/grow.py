"""Start a larger network from a smaller one: ``python -m models.nano.grow OLD.pt NEW.pt --layers 8 --hidden 1024``.

The larger one computes what the smaller did: what is new ends in weights of zero.  It has more hidden units in
each block, and whole blocks between the old ones; the width (``dim``) and the heads stay.  Training goes on from there with a fresh optimizer, as its moments are of other shapes.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.nano.model import Nano, Shape
from models.nano.optim import Optimizers


def places(old: int, new: int) -> list[int]:
    """Where each of the ``old`` blocks comes to stand among ``new`` ones: spread evenly, the last one last."""
    return [(at + 1) * new // old - 1 for at in range(old)]


def grown(weights: dict[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """A state of a `Nano` of ``shape`` that computes what the one of ``weights`` does.

    Raises `ValueError` where the shapes differ in more than blocks and hidden units, or shrink.
    """
    model = Nano(shape)
    state = model.state_dict()
    names = {name.split(".")[1] for name in weights if name.startswith("layers.")}
    if shape.n_layers < len(names):
        raise ValueError(f"{len(names)} blocks do not fit into {shape.n_layers}")
    at = places(len(names), shape.n_layers)
    for name, weight in state.items():  # what is new adds nothing to the residual
        if name.endswith(("wo.weight", "w2.weight")):
            weight.zero_()
    for name, weight in weights.items():
        parts = name.split(".")
        if parts[0] == "layers":
            parts[1] = str(at[int(parts[1])])
        target = state[".".join(parts)]
        if any(new < old for new, old in zip(target.shape, weight.shape, strict=True)):
            raise ValueError(
                f"{name}: {tuple(weight.shape)} does not fit into {tuple(target.shape)}"
            )
        if target.shape != weight.shape and parts[-2] not in ("w1", "w2", "w3"):
            raise ValueError(f"{name}: only blocks and their hidden units can be added")
        target[tuple(slice(size) for size in weight.shape)] = weight
    return state


def checkpoint(state: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The checkpoint to train the larger network from; steps and time count from 0, so the rate warms up.

    ``state`` is an earlier checkpoint, or what one holds but for the optimizers, steps and seconds.
    """
    model = Nano(shape)
    return {
        **state,
        "shape": asdict(shape),
        "model": grown(state["model"], shape),
        "ema": grown(state["ema"], shape),
        "optimizers": Optimizers(model).state_dict(),
        "step": 0,
        "seconds": 0.0,
        "begun": None if state["begun"] is None else -math.inf,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--layers", type=int, required=True, help="blocks, with the new ones")
    parser.add_argument("--hidden", type=int, required=True, help="hidden units of a block")
    args = parser.parse_args()
    torch.manual_seed(0)
    small = torch.load(args.old, weights_only=False)
    shape = Shape(**{**small["shape"], "n_layers": args.layers, "hidden_dim": args.hidden})
    torch.save(checkpoint(small, shape), args.new)
