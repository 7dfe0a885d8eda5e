"""Greedy decoding in PyTorch, for scoring while training: many prompts behind one prefix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models.nano.model import Nano


@torch.no_grad()
def greedy(
    model: Nano, prefix: list[int], prompts: list[list[int]], limit: int, eos: int = 2
) -> list[list[int]]:
    """The tokens each prompt is continued with, up to ``eos`` (left out) or ``limit`` of them."""
    n, longest = len(prefix), max(map(len, prompts))
    lengths = torch.tensor([len(p) for p in prompts])
    rows = torch.tensor([p + [0] * (longest - len(p)) for p in prompts])
    cos, sin = model.rope(n + longest + limit, rows.device)
    room = n + longest + limit
    shape = (len(prompts), model.shape.n_kv_heads, room, model.shape.head_dim)
    caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in model.layers]
    start = torch.tensor([prefix])
    _forward(model, start, caches, torch.arange(n)[None], cos, sin, share=len(prompts))
    x = _forward(
        model, rows, caches, n + torch.arange(longest)[None].expand(len(prompts), -1), cos, sin
    )
    last = x[torch.arange(len(prompts)), lengths - 1]
    found: list[list[int]] = [[] for _ in prompts]
    done = [False] * len(prompts)
    for step in range(limit):
        tokens = model.logits(last).argmax(-1)
        for i, token in enumerate(tokens.tolist()):
            done[i] = done[i] or token == eos
            if not done[i]:
                found[i].append(token)
        if all(done):
            break
        at = (n + lengths + step)[:, None]
        last = _forward(model, tokens[:, None], caches, at, cos, sin)[:, 0]
    return found


def _forward(
    model: Nano,
    ids: Tensor,
    caches: list[tuple[Tensor, Tensor]],
    at: Tensor,
    cos: Tensor,
    sin: Tensor,
    share: int = 1,
) -> Tensor:
    """Hidden states of ids (B, T) at positions ``at`` (B, T); writes keys and values to the caches."""
    x = model.tok_embeddings(ids)
    batch = len(ids)
    places = at.expand(batch, -1)
    seen = int(places.max()) + 1
    mask = torch.arange(seen)[None, None, None, :] <= places[:, None, :, None]
    for layer, (keys, values) in zip(model.layers, caches, strict=True):
        a, y = layer.attention, layer.attention_norm(x)
        size = model.shape.head_dim
        q, k, v = (w(y).unflatten(-1, (-1, size)) for w in (a.wq, a.wk, a.wv))
        c, s = cos[places][:, :, None], sin[places][:, :, None]
        q, k = _pairs(q, c, s), _pairs(k, c, s)
        row = torch.arange(share if share > 1 else batch)[:, None]
        keys[row, :, places if share == 1 else places.expand(share, -1)] = k.expand(
            len(row), -1, -1, -1
        )
        values[row, :, places if share == 1 else places.expand(share, -1)] = v.expand(
            len(row), -1, -1, -1
        )
        wide = (a.wide(keys[:batch, :, :seen]), a.wide(values[:batch, :, :seen]))
        x = x + a.out(F.scaled_dot_product_attention(q.transpose(1, 2), *wide, attn_mask=mask))
        x = layer.feed(x)
    return model.norm(x)


def _pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x (B, T, H, head_dim) by tables (B, T, 1, head_dim / 2)."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)
