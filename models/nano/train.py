"""Train the model: ``python -m models.nano.train --out RUN --minutes 90``.

Stops when its minutes are used and resumes from ``RUN/checkpoint.pt`` when that exists.  The
learning rate follows the fraction of the minutes used, so a run can be extended or cut short; the
weights that are exported are a running average.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from models.nano import copying
from models.nano.batch import Batch
from models.nano.data import Stream
from models.nano.grammar import Source
from models.nano.model import Nano, Shape
from models.nano.optim import Optimizers

LONGEST_STEP_S = 30
"""What took longer was a process that stood still: it used none of its minutes."""


def rate(step: int, used: float, flat_until: float = 0.5) -> float:
    """Learning-rate factor: warm-up over 100 steps, flat, then down to 2 % with a cosine."""
    fall = max(0.0, (used - flat_until) / (1 - flat_until))
    return min(1.0, (step + 1) / 100) * (
        0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * min(fall, 1)))
    )


def tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """prefix (P,), rows (B, T) padded on the right, flat positions (N,) that predict, targets (N,)."""
    width = -(-max(len(row.ids) for row in batch.rows) // 16) * 16
    rows = torch.zeros(len(batch.rows), width, dtype=torch.long)
    where: list[int] = []
    targets: list[int] = []
    for i, row in enumerate(batch.rows):
        rows[i, : len(row.ids)] = torch.tensor(row.ids)
        where += range(i * width + row.start - 1, i * width + len(row.ids) - 1)
        targets += row.ids[row.start :]
    found = (torch.tensor(batch.prefix, dtype=torch.long), rows, torch.tensor(where))
    prefix, rows, at = (t.to(device) for t in found)
    return prefix, rows, at, torch.tensor(targets, device=device)


def loss_of(model: Nano, batch: Batch, device: torch.device) -> Tensor:
    """Mean cross-entropy (nats a token) of the answers in a batch."""
    prefix, rows, at, targets = tensors(batch, device)
    with torch.autocast(device.type, torch.bfloat16):
        logits = model.logits(model.hidden(prefix, rows).flatten(0, 1)[at])
    return F.cross_entropy(logits.float(), targets)


class Mix:
    """Copying alone at first, then 40 % and ``late`` of it beside the conversations.

    Copying is forgotten when it is not practised: at 1 % of the batches the share of random tokens
    that are copied rightly fell from 75 to 71 % within two hours.
    """

    def __init__(
        self,
        rng: Random,
        most: int,
        begun: float | None,
        copy_minutes: float,
        late: float,
        stream: Stream,
    ) -> None:
        self.rng, self.limit, self.late = rng, copy_minutes, late
        self.copying, self.stream = copying.Curriculum(most), stream
        self.begun = begun  # the minute from which there are conversations, too

    def next(self, minute: float) -> tuple[str, Batch]:
        """The next batch and what it is, ``copy`` or ``calls``."""
        if self.begun is None and (self.copying.done or minute > self.limit):
            self.begun = min(minute, self.limit)
        if self.begun is None:
            return "copy", self.copying.batch(self.rng)
        share = 0.4 if minute < self.begun + 6 else self.late
        if self.rng.random() < share:
            return "copy", self.copying.batch(self.rng)
        return "calls", self.stream.next(0.8 if minute < self.begun + 14 else 0.0)


@torch.no_grad()
def average(ema: nn.Module, model: nn.Module, step: int) -> None:
    """Move the average of the weights towards the weights."""
    weight = 1 - min(0.99, (1 + step) / (10 + step))
    for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, weight)


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint at once: a reader never sees half a file."""
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def train(args: argparse.Namespace) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "checkpoint.pt"
    torch.manual_seed(args.seed)
    rng, step, used, most = Random(args.seed), 0, 0.0, 64
    begun: float | None = None
    state = torch.load(file, weights_only=False) if file.exists() else None
    model = Nano(Shape(**state["shape"]) if state else Shape()).to(device)
    ema = copy.deepcopy(model)
    optimizers = Optimizers(model)
    if state:
        model.load_state_dict(state["model"])
        ema.load_state_dict(state["ema"])
        optimizers.load_state_dict(state["optimizers"])
        step, used, most = state["step"], state["seconds"], state["copying"]
        begun = state["begun"]
        rng.setstate(state["rng"])
    if args.compile:
        for layer in model.layers:
            layer.compile(dynamic=True)
    shares = {"whole": args.whole, "odd": args.odd, "sums": args.sums, "told": args.told}
    stream = Stream(Source(rng, **shares))
    mix = Mix(rng, most, begun, args.copy_minutes, args.copy_share, stream)
    bar = tqdm(total=int(args.minutes * 60), initial=int(used), unit="s", mininterval=10)
    smooth: dict[str, float] = {}
    started = saved = now = time.monotonic()
    rows, tokens = 0, 0
    while used < args.minutes * 60:
        kind, batch = mix.next(used / 60)
        loss = loss_of(model, batch, device)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step(args.rate * rate(step, used / 60 / args.minutes))
        average(ema, model, step)
        step, last, now = step + 1, now, time.monotonic()
        used += min(now - last, LONGEST_STEP_S)
        rows += len(batch.rows)
        tokens += len(batch.prefix) + sum(len(row.ids) for row in batch.rows)
        if kind == "copy":
            mix.copying.learn(loss.item())
        smooth[kind] = 0.98 * smooth.get(kind, loss.item()) + 0.02 * loss.item()
        losses = " ".join(f"{name}={value:.3f}" for name, value in smooth.items())
        speed = f"{rows / (now - started):.1f} rows/s {tokens / (now - started):.0f} tok/s"
        bar.set_description(
            f"step {step} copying {mix.copying.most} {losses} {speed}", refresh=False
        )
        bar.update(int(used) - bar.n)
        if now - saved > args.save_every or used >= args.minutes * 60:
            saved = now
            save(
                file,
                {
                    "shape": asdict(model.shape),
                    "model": model.state_dict(),
                    "ema": ema.state_dict(),
                    "optimizers": optimizers.state_dict(),
                    "step": step,
                    "seconds": used,
                    "copying": mix.copying.most,
                    "begun": mix.begun,
                    "rng": rng.getstate(),
                },
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--minutes", type=float, default=90, help="training time in all")
    parser.add_argument(
        "--copy-minutes", type=float, default=15, help="of these, copying alone at most"
    )
    parser.add_argument(
        "--copy-share", type=float, default=0.15, help="of the batches, after the first minutes"
    )
    parser.add_argument(
        "--whole", action="store_true", help="learn the held-out half too: for weights to ship"
    )
    parser.add_argument(
        "--odd",
        type=float,
        default=1.0,
        help="share of nonsense among names; less for a late stage",
    )
    parser.add_argument(
        "--sums",
        type=float,
        default=1.0,
        help="how often requests are sums, as a factor on their share; more for a late stage",
    )
    parser.add_argument(
        "--told", type=float, default=1.0, help="the same for results that are to be told"
    )
    parser.add_argument(
        "--rate", type=float, default=1.0, help="of the peak learning rates; less for a late stage"
    )
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="torch.compile: a fifth faster")
    train(parser.parse_args())
