"""A V3-Tekken tokenizer of 8,192 entries, cut from the one that mistral-common ships.

Its 8,128 byte-pair entries are chosen from Tekken's by rank, in Tekken's order, so every rule of
merging still holds; the 64 control tokens and the splitting pattern are Tekken's own.  What is left
out is left out for one reason: *copying*.  Tekken spells ``Paris`` with one token after a space
(`` Paris``) and with others after a quotation mark, and glues frequent Chinese words together.  A
model of five million parameters can't remember both spellings of every word.  So entries that join
a blank or a sign to letters, or several Chinese characters, are dropped: a word has the same tokens
in the request as in the call, and an argument is copied token by token.  A few function words keep
an entry with their blank, at the very end of the ranks, where it can't disturb any other word.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

N_SPECIAL = 64
VOCAB_SIZE = 8192
N_CJK = 1400
TEKKEN = Path(__file__).with_name("tekken.json")
_FUNCTION_WORDS = (
    "the of and is are was you your my me it what that this these for with from can could would "
    "please how many much will be have has does did an a if when we by or at now just let not "
    "there which do i to"
).split()


def _parts(token: bytes, ranks: dict[bytes, int], below: int) -> list[bytes]:
    """Byte-pair encode ``token`` with the entries whose rank is lower than ``below``."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 1:
        rank, at = min(
            (ranks.get(parts[i] + parts[i + 1], below), i) for i in range(len(parts) - 1)
        )
        if rank >= below:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _is_cjk(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def _wanted(token: bytes) -> bool:
    """Whether an entry keeps copying simple: letters alone, signs alone, or one other character."""
    try:
        text = token.decode()
    except UnicodeDecodeError:  # two bytes of a Chinese character: needed to merge it
        return len(token) == 2 and token[0] >= 0x80
    if text.isascii():
        if text.isalpha():
            return len(text) <= 14
        return not any(c.isalnum() for c in text) and len(text) <= 6
    category = unicodedata.category(text[0])[0]
    return len(text) == 1 and (ord(text) < 0x250 or _is_cjk(text) or category in "PS")


def _chosen(entries: list[bytes], room: int) -> dict[bytes, int]:
    """The first ``room`` wanted entries with their ranks in Tekken; every one merges from two."""
    kept = {token: rank for rank, token in enumerate(entries[:256])}
    left = {True: N_CJK, False: room - 256 - N_CJK}  # by whether the entry is a Chinese character
    for rank, token in enumerate(entries[256:], start=256):
        if not _wanted(token) or len(_parts(token, kept, rank)) != 2:
            continue
        cjk = len(token) == 3 and _is_cjk(token.decode())
        if left[cjk]:
            left[cjk] -= 1
            kept[token] = rank
    return kept


def build() -> dict[str, Any]:
    """The content of ``tekken.json``: Tekken's pattern and version, 8,128 re-ranked entries."""
    import mistral_common

    source = Path(mistral_common.__file__).parent / "data" / "tekken_240911.json"
    tekken = json.loads(source.read_text(encoding="utf-8"))
    entries = [base64.b64decode(entry["token_bytes"]) for entry in tekken["vocab"]]
    room = VOCAB_SIZE - N_SPECIAL
    whole = _chosen(entries, room - len(_FUNCTION_WORDS))
    words = [f" {word}".encode() for word in _FUNCTION_WORDS if word.encode() in whole]
    chosen = list(_chosen(entries, room - len(words))) + words
    config = dict(
        tekken["config"],
        num_vocab_tokens=len(chosen),
        default_vocab_size=VOCAB_SIZE,
        default_num_special_tokens=N_SPECIAL,
    )
    vocab = []
    for rank, token in enumerate(chosen):
        try:
            text: str | None = token.decode()
        except UnicodeDecodeError:
            text = None
        encoded = base64.b64encode(token).decode()
        vocab.append({"rank": rank, "token_bytes": encoded, "token_str": text})
    return {"config": config, "vocab": vocab}


@cache
def load(path: str | None = None) -> Any:
    """mistral-common's ``Tekkenizer`` of this model; built and written beside this file if absent."""
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    file = Path(path) if path else TEKKEN
    if not file.exists():
        file.write_text(json.dumps(build(), ensure_ascii=False) + "\n", encoding="utf-8")
    return Tekkenizer.from_file(file)


if __name__ == "__main__":
    TEKKEN.write_text(json.dumps(build(), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{TEKKEN.name}: {TEKKEN.stat().st_size:,} bytes, {load().n_words} entries")
