"""A tiny model of random weights, in both formats: ``python -m models.nano.misbehave FOLDER``.

It never says anything sensible, so it is the engine to test a gateway's guards with: it calls when it
should not, talks nonsense, and does not stop.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from models.nano.export import write
from models.nano.model import Nano, Shape

SHAPE = Shape(dim=64, n_layers=2, head_dim=32, hidden_dim=128, n_heads=2, n_kv_heads=2)


def misbehave(folder: Path, seed: int = 0) -> None:
    """Write ``nano.gguf`` and ``safetensors/`` of about 0.6 M random weights into ``folder``."""
    torch.manual_seed(seed)
    write(Nano(SHAPE), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    misbehave(args.folder, args.seed)
