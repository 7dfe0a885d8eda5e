"""The mean of two checkpoints of one lineage: ``python -m models.nano.merge A.pt B.pt OUT.pt --share 0.5``.

What the later one learned anew and what it forgot both move less far.  For `models.nano.export` only: the mean
has the later one's optimizers and minutes, and nothing was trained from it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch


def merged(first: dict[str, Any], second: dict[str, Any], share: float) -> dict[str, Any]:
    """``second``, its averaged weights replaced by the mean of both, ``share`` of it of ``second``.

    Raises `ValueError` where the shapes differ or ``share`` is not between 0 and 1.
    """
    if first["shape"] != second["shape"]:
        raise ValueError(f"{first['shape']} and {second['shape']} have no mean")
    if not 0 <= share <= 1:
        raise ValueError(f"--share {share}: between 0 and 1")
    ema = {name: (1 - share) * first["ema"][name] + share * w for name, w in second["ema"].items()}
    return {**second, "ema": ema}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path, help="the later one")
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second, from 0 to 1")
    args = parser.parse_args()
    first, second = (torch.load(file, weights_only=False) for file in (args.first, args.second))
    torch.save(merged(first, second, args.share), args.out)
