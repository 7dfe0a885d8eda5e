"""The tokenizers that mistral-common brings, by the names of the models that read with them."""

from __future__ import annotations

from pathlib import Path

_FILES = {
    "ministral-8b-instruct-2410": "tekken_240718.json",
    "mistral-nemo-instruct-2407": "tekken_240718.json",
}


def known_tokenizer(model: str) -> Path | None:
    """The `tekken.json` of a model under its name at Hugging Face; None for one that is not known."""
    name = model.rpartition("/")[2].lower()
    if name not in _FILES:
        return None
    import mistral_common

    return Path(str(mistral_common.__file__)).parent / "data" / _FILES[name]
