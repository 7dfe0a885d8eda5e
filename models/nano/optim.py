"""Muon for the matrices, AdamW for the embedding and the norms.

Muon (Jordan et al., 2024) replaces a matrix' momentum by the nearest orthogonal matrix, found with
five Newton-Schulz steps.  At this size it needs clearly fewer updates than AdamW and costs a tenth
of a step, less so because matrices of one shape are orthogonalised together.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn


def orthogonal(g: Tensor) -> Tensor:
    """The orthogonal factor of each matrix in g (N, rows, cols), approximately, in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum 0.95 (Nesterov), orthogonalised per shape."""

    def __init__(self, params: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # noqa: ARG002 - torch's signature
        for group in self.param_groups:
            shapes: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                shapes[p.shape].append(p)
            for shape, params in shapes.items():
                updates = []
                for p in params:
                    state = self.state[p]
                    if "m" not in state:
                        state["m"] = torch.zeros_like(p)
                    state["m"].lerp_(p.grad, 1 - group["momentum"])
                    updates.append(torch.lerp(p.grad, state["m"], group["momentum"]))
                step = orthogonal(torch.stack(updates)).float()
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for p, u in zip(params, step, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(u, alpha=-scale)


class Optimizers:
    """The two together, with one learning-rate factor and one state for the checkpoint."""

    def __init__(self, model: nn.Module, muon_lr: float = 0.02, adam_lr: float = 4e-3) -> None:
        named = dict(model.named_parameters())
        matrices = [p for n, p in named.items() if p.ndim == 2 and "tok_embeddings" not in n]
        rest = [p for n, p in named.items() if p.ndim != 2 or "tok_embeddings" in n]
        self.peak = (muon_lr, adam_lr)
        self.both: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, muon_lr, 0.02),
            torch.optim.AdamW(rest, adam_lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
        )

    def step(self, factor: float) -> None:
        """Update with learning rates of ``factor`` times their peak, then drop the gradients."""
        for optimizer, peak in zip(self.both, self.peak, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [optimizer.state_dict() for optimizer in self.both]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for optimizer, state in zip(self.both, states, strict=True):
            optimizer.load_state_dict(state)
