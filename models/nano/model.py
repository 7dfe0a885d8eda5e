"""The network: Ministral's shape (RMSNorm, RoPE, grouped queries, SwiGLU), made small.

One prefix, many continuations.  The tools and their schemas are most of a prompt and the same for
every request of a gateway, so the training forward takes *one* prefix and a batch of continuations
that all attend to it.  Layer by layer the prefix runs once, as a batch of one; the continuations
attend to its keys and values and, causally, to their own.  Gradients reach the prefix through all
of them.  The numbers are those of plain causal attention over prefix + continuation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Sizes, under the names of Mistral's ``params.json``."""

    dim: int = 192
    n_layers: int = 8
    head_dim: int = 64
    hidden_dim: int = 1024
    n_heads: int = 4
    n_kv_heads: int = 2
    norm_eps: float = 1e-5
    vocab_size: int = 8192
    rope_theta: float = 10_000.0
    max_seq_len: int = 8192

    def params(self) -> dict[str, object]:
        """The content of ``params.json`` as vLLM's Mistral format reads it."""
        return {**asdict(self), "max_position_embeddings": self.max_seq_len}


class RMSNorm(nn.Module):
    """Scale to unit root mean square over the last axis, in float32."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rope_tables(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions 0 … length - 1: two tensors (length, head_dim / 2)."""
    steps = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angles = torch.arange(length, dtype=torch.float32)[:, None] * shape.rope_theta**-steps
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs (Mistral's convention) of x (B, T, H, head_dim) by its positions."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos[:, None, :], sin[:, None, :]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Grouped-query attention over a shared prefix (one row) and continuations (B rows)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        q, kv = shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim
        self.wq = nn.Linear(shape.dim, q, bias=False)
        self.wk = nn.Linear(shape.dim, kv, bias=False)
        self.wv = nn.Linear(shape.dim, kv, bias=False)
        self.wo = nn.Linear(q, shape.dim, bias=False)

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, dim): each (B, heads, T, head_dim), rotated."""
        size = self.shape.head_dim
        q, k, v = (w(x).unflatten(-1, (-1, size)) for w in (self.wq, self.wk, self.wv))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def wide(self, kv: Tensor) -> Tensor:
        """Repeat each key/value head for the query heads that share it."""
        return kv.repeat_interleave(self.shape.n_heads // self.shape.n_kv_heads, dim=1)

    def out(self, x: Tensor) -> Tensor:
        return self.wo(x.transpose(1, 2).flatten(2))


def attend(q: Tensor, k: Tensor, v: Tensor, prefix: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
    """Attention of continuations over one shared prefix and, where mask allows, their own tokens.

    q (B, heads, T, d); k and v (B, kv_heads, T, d); the prefix' keys and values (1, kv_heads, P, d);
    mask (T, T).  All rows meet the prefix in *one* matrix product per key/value head, which on a CPU
    is a quarter faster for the whole step than a fused kernel that reads the prefix once a row.
    """
    (rows, heads, t, size), kv = q.shape, k.shape[1]
    each = heads // kv * t
    q = (q * size**-0.5).reshape(rows, kv, each, size)
    flat = q.transpose(0, 1).reshape(kv, rows * each, size)
    past = torch.bmm(flat, prefix[0][0].mT).view(kv, rows, each, -1).float()
    own = torch.matmul(q, k.mT).view(rows, kv, -1, t, t).masked_fill(~mask, -1e9)
    own = own.view(rows, kv, each, t).transpose(0, 1).float()
    top = torch.maximum(past.amax(-1, keepdim=True), own.amax(-1, keepdim=True)).detach()
    past, own = (past - top).exp(), (own - top).exp()
    total = past.sum(-1, keepdim=True) + own.sum(-1, keepdim=True)
    past, own = (past / total).to(v.dtype), (own / total).to(v.dtype)
    seen = torch.bmm(past.view(kv, rows * each, -1), prefix[1][0]).view(kv, rows, each, size)
    return (seen.transpose(0, 1) + torch.matmul(own.transpose(0, 1), v)).reshape(
        rows, heads, t, size
    )


class Block(nn.Module):
    """Attention and SwiGLU, each after a norm and around a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention = Attention(shape)
        self.attention_norm = RMSNorm(shape.dim, shape.norm_eps)
        self.ffn_norm = RMSNorm(shape.dim, shape.norm_eps)
        self.w1 = nn.Linear(shape.dim, shape.hidden_dim, bias=False)
        self.w2 = nn.Linear(shape.hidden_dim, shape.dim, bias=False)
        self.w3 = nn.Linear(shape.dim, shape.hidden_dim, bias=False)

    def feed(self, x: Tensor) -> Tensor:
        y = self.ffn_norm(x)
        return x + self.w2(F.silu(self.w1(y)) * self.w3(y))

    def forward(
        self, p: Tensor, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """p (1, P, dim) and x (B, T, dim); mask (T, T) is true where x may look at itself."""
        a, (cos, sin), n = self.attention, rope, p.shape[1]
        end = n + x.shape[1]
        q, k, v = a.project(self.attention_norm(x), cos[n:end], sin[n:end])
        if not n:
            seen = F.scaled_dot_product_attention(q, a.wide(k), a.wide(v), is_causal=True)
            return p, self.feed(x + a.out(seen))
        pq, pk, pv = a.project(self.attention_norm(p), cos[:n], sin[:n])
        past = F.scaled_dot_product_attention(pq, a.wide(pk), a.wide(pv), is_causal=True)
        x = x + a.out(attend(q, k, v, (pk, pv), mask))
        return self.feed(p + a.out(past)), self.feed(x)


class Nano(nn.Module):
    """The language model; the unembedding is the transposed embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tok_embeddings = nn.Embedding(shape.vocab_size, shape.dim)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.n_layers))
        self.norm = RMSNorm(shape.dim, shape.norm_eps)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                scale = 0.5 if "tok_embeddings" in name else shape.dim**-0.5
                if name.endswith(("wo.weight", "w2.weight")):
                    scale /= (2 * shape.n_layers) ** 0.5
                nn.init.normal_(weight, std=scale)
        # Large embeddings keep a token's identity visible beside what the layers add, without which
        # copying does not emerge; a small last norm keeps the first logits small all the same.
        nn.init.constant_(self.norm.weight, 0.06)
        self._rope: tuple[Tensor, Tensor] | None = None

    def rope(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Tables for at least ``length`` positions, kept between calls."""
        if self._rope is None or len(self._rope[0]) < length or self._rope[0].device != device:
            cos, sin = rope_tables(self.shape, max(length, 2048))
            self._rope = (cos.to(device), sin.to(device))
        return self._rope

    def hidden(self, prefix: Tensor, rows: Tensor) -> Tensor:
        """Last hidden states (B, T, dim) of rows (B, T) that continue prefix (P,), which may be empty.

        Rows are padded on the right: no real token looks at a pad.
        """
        n, t = len(prefix), rows.shape[1]
        rope = self.rope(n + t, rows.device)
        mask = torch.ones(t, t, dtype=torch.bool, device=rows.device).tril()
        p, x = self.tok_embeddings(prefix[None]), self.tok_embeddings(rows)
        for layer in self.layers:
            p, x = layer(p, x, rope, mask)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores (..., vocab_size) of hidden states (..., dim)."""
        return F.linear(hidden, self.tok_embeddings.weight)
