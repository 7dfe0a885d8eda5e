"""Go on from weights whose checkpoint is gone: ``python -m models.nano.again models/nano/nano.gguf RUN/checkpoint.pt``.

The GGUF holds the averaged weights in half precision; the moments of the optimizers are lost, so steps and
minutes count from 0 and the rate warms up.  Copying is taken as learned.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from models.nano import grow
from models.nano.export import gguf_name, mistral_names
from models.nano.model import Nano, Shape
from models.nano.tokenizer import N_SPECIAL, VOCAB_SIZE


def weights(file: Path, shape: Shape) -> dict[str, Tensor]:
    """The state of a `Nano` of ``shape`` from what `models.nano.export` wrote, in float32.

    Raises `KeyError` for a tensor that the file lacks, and `ValueError` where its shape is another.
    """
    import gguf

    stored = {t.name: torch.from_numpy(t.data.copy()) for t in gguf.GGUFReader(file).tensors}
    model = Nano(shape)
    state = model.state_dict()
    full = [name for name in mistral_names(model) if name != "output.weight"]
    for name, there in zip(state, full, strict=True):
        found = stored[gguf_name(there)]
        if found.shape != state[name].shape:
            raise ValueError(f"{name}: {tuple(found.shape)} is not {tuple(state[name].shape)}")
        state[name] = found.float()
    return state


def checkpoint(state: dict[str, Tensor], shape: Shape, seed: int) -> dict[str, Any]:
    """What `models.nano.train` resumes from."""
    learned = {"copying": VOCAB_SIZE - N_SPECIAL, "begun": -math.inf}
    kept = {"model": state, "ema": state, "rng": Random(seed).getstate(), **learned}
    return grow.checkpoint(kept, shape)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="nano.gguf, of the shape that is in model.py")
    parser.add_argument("checkpoint", type=Path, help="where to write; its folder is made")
    parser.add_argument("--seed", type=int, default=0, help="another one than the data had before")
    args = parser.parse_args()
    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(weights(args.weights, Shape()), Shape(), args.seed), args.checkpoint)
