"""A Ministral-shaped model of random weights that is inclined to call functions, badly.

Every embedding shares one large component, which the final norm carries to the unembedding; a
token's weight there is a constant bias on its logit. So the model opens calls often, closes strings
and objects often enough to finish, and means nothing by any of it: all that is right about its
calls is the grammar's doing.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIM, LAYERS, HEADS, KV_HEADS, HEAD_DIM, HIDDEN = 64, 2, 2, 1, 32, 128
SPECIAL, BEGIN_OF_CALLS, END_OF_TEXT = 64, 9, 2
SCALE = float(np.sqrt(DIM))
"""The value of the shared component behind the final norm."""


def write_tiny_model(
    directory: Path, tekken: Path, *, calls: float = 17.5, ends: float = 5.0
) -> Path:
    """Write what vLLM's Mistral format reads into `directory`, and return it.

    `calls` and `ends` are biases, in logits, on `[TOOL_CALLS]` and on the end of text; a plain
    token has about zero, and there are 8,000 of them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tekken, directory / "tekken.json")
    tokenizer: dict[str, Any] = json.loads(tekken.read_text())
    size: int = tokenizer["config"]["default_vocab_size"]
    shape = {
        "dim": DIM,
        "n_layers": LAYERS,
        "head_dim": HEAD_DIM,
        "hidden_dim": HIDDEN,
        "n_heads": HEADS,
        "n_kv_heads": KV_HEADS,
        "norm_eps": 1e-5,
        "vocab_size": size,
        "rope_theta": 10_000.0,
        "max_seq_len": 8192,
        "max_position_embeddings": 8192,
    }
    (directory / "params.json").write_text(json.dumps(shape))
    bias = _biases(tokenizer, size, calls, ends)
    _write_safetensors(directory / "consolidated.safetensors", _weights(size, bias))
    return directory


def _biases(tokenizer: dict[str, Any], size: int, calls: float, ends: float) -> NDArray[np.float32]:
    bias = np.zeros(size, np.float32)
    bias[:SPECIAL] = -20.0
    for entry in tokenizer["vocab"][: size - SPECIAL]:
        token = base64.b64decode(entry["token_bytes"])
        if token.strip(b' ",}]:'):
            bias[SPECIAL + entry["rank"]] = 0.0
        elif b'"' in token or b"}" in token or b"]" in token:
            bias[SPECIAL + entry["rank"]] = 6.0
    bias[BEGIN_OF_CALLS] = calls
    bias[END_OF_TEXT] = ends
    return bias


def _weights(size: int, bias: NDArray[np.float32]) -> dict[str, NDArray[np.float16]]:
    random = np.random.default_rng(7)

    def matrix(rows: int, columns: int, scale: float) -> NDArray[np.float16]:
        return random.normal(0.0, scale, (rows, columns)).astype(np.float16)

    embeddings = matrix(size, DIM, 0.1)
    embeddings[:, 0] = 1.0
    output = matrix(size, DIM, 0.1)
    output[:, 0] = bias / SCALE
    tensors = {
        "tok_embeddings.weight": embeddings,
        "output.weight": output,
        "norm.weight": np.ones(DIM, np.float16),
    }
    for layer in range(LAYERS):
        prefix = f"layers.{layer}."
        tensors |= {
            f"{prefix}attention.wq.weight": matrix(HEADS * HEAD_DIM, DIM, 0.1),
            f"{prefix}attention.wk.weight": matrix(KV_HEADS * HEAD_DIM, DIM, 0.1),
            f"{prefix}attention.wv.weight": matrix(KV_HEADS * HEAD_DIM, DIM, 0.1),
            f"{prefix}attention.wo.weight": matrix(DIM, HEADS * HEAD_DIM, 0.02),
            f"{prefix}feed_forward.w1.weight": matrix(HIDDEN, DIM, 0.1),
            f"{prefix}feed_forward.w2.weight": matrix(DIM, HIDDEN, 0.02),
            f"{prefix}feed_forward.w3.weight": matrix(HIDDEN, DIM, 0.1),
            f"{prefix}attention_norm.weight": np.ones(DIM, np.float16),
            f"{prefix}ffn_norm.weight": np.ones(DIM, np.float16),
        }
    return tensors


def _write_safetensors(path: Path, tensors: dict[str, NDArray[np.float16]]) -> None:
    """The format is a length, a JSON header with offsets, and the tensors' bytes."""
    header: dict[str, Any] = {}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + tensor.nbytes
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    encoded = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for tensor in tensors.values():
            file.write(np.ascontiguousarray(tensor).tobytes())
