"""Write the weights in both formats: ``python -m models.nano.export --checkpoint RUN/checkpoint.pt``.

* ``nano.gguf`` for llama.cpp: architecture ``llama``, matrices F16, norms F32;
* ``safetensors/`` for vLLM: ``params.json``, ``consolidated.safetensors`` in bfloat16, ``tekken.json``.

Mistral's consolidated weights rotate neighbouring pairs, as llama.cpp does for ``llama``: nothing is
permuted.  Each file appears at once, by renaming.  ``--random`` writes untrained weights instead.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path

import torch
from torch import Tensor

from models.nano import tokenizer
from models.nano.model import Nano, Shape

HERE = Path(__file__).parent


def mistral_names(model: Nano) -> dict[str, Tensor]:
    """The weights under the names of Mistral's consolidated files, unembedding included."""
    named: dict[str, Tensor] = {}
    for name, weight in model.state_dict().items():
        full = re.sub(r"\.(w[123])\.", r".feed_forward.\1.", name)
        named[full] = weight.detach().float().contiguous()
    return named | {"output.weight": named["tok_embeddings.weight"].clone()}


def safetensors(model: Nano, folder: Path) -> None:
    """A model directory that vLLM loads with ``--config-format mistral --load-format mistral``."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.bfloat16() for name, weight in mistral_names(model).items()}
    temporary = folder / "consolidated.tmp"
    save_file(weights, temporary)
    temporary.chmod(0o644)
    temporary.replace(folder / "consolidated.safetensors")
    text = json.dumps(model.shape.params(), indent=2) + "\n"
    (folder / "params.json").write_text(text, encoding="utf-8")
    tokenizer.load()
    shutil.copyfile(tokenizer.TEKKEN, folder / "tekken.json")


_GGUF_NAMES = {
    "attention.wq": "attn_q",
    "attention.wk": "attn_k",
    "attention.wv": "attn_v",
    "attention.wo": "attn_output",
    "attention_norm": "attn_norm",
    "ffn_norm": "ffn_norm",
    "feed_forward.w1": "ffn_gate",
    "feed_forward.w2": "ffn_down",
    "feed_forward.w3": "ffn_up",
}


def gguf_name(name: str) -> str:
    """``layers.0.attention.wq.weight`` → ``blk.0.attn_q.weight``."""
    top = {"tok_embeddings.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}
    if name in top:
        return top[name]
    _, layer, rest = name.split(".", 2)
    return f"blk.{layer}.{_GGUF_NAMES[rest.removesuffix('.weight')]}.weight"


def gguf(model: Nano, file: Path) -> None:
    """One file with tokenizer, for llama.cpp; the unembedding is the embedding."""
    import gguf as g
    from gguf.vocab import MistralVocab

    shape, temporary = model.shape, file.with_suffix(".tmp")
    tokenizer.load()
    writer = g.GGUFWriter(temporary, "llama")
    writer.add_name("nano")
    writer.add_context_length(shape.max_seq_len)
    writer.add_embedding_length(shape.dim)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.hidden_dim)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_file_type(g.LlamaFileType.MOSTLY_F16)
    vocab = MistralVocab(file.parent if (file.parent / "tekken.json").exists() else HERE)
    tokens, kinds = [], []
    for text, _, kind in vocab.all_tokens():
        tokens.append(text)
        kinds.append(kind)
    writer.add_tokenizer_model(vocab.gguf_tokenizer_model)
    writer.add_tokenizer_pre("tekken")
    writer.add_token_merges(vocab.extract_vocab_merges_from_model())
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(11)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    for name, weight in mistral_names(model).items():
        if name == "output.weight":
            continue
        writer.add_tensor(gguf_name(name), (weight if weight.ndim == 1 else weight.half()).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    temporary.replace(file)


def load(checkpoint: Path) -> Nano:
    """The averaged weights of a checkpoint."""
    state = torch.load(checkpoint, weights_only=False, map_location="cpu")
    model = Nano(Shape(**state["shape"]))
    model.load_state_dict(state["ema"])
    return model.eval()


def write(model: Nano, folder: Path) -> None:
    """Both formats into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    safetensors(model, folder / "safetensors")
    gguf(model, folder / "nano.gguf")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="checkpoint.pt of a training run")
    parser.add_argument("--random", action="store_true", help="untrained weights of the same shape")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (this folder)")
    args = parser.parse_args()
    torch.manual_seed(0)
    write(Nano(Shape()) if args.random else load(args.checkpoint), args.out)
