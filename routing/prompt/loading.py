"""A tokenizer file read: mistral-common's encoders of its version, and what its control tokens are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistral_common.exceptions import MistralCommonException

from routing.errors import BackendUnavailable
from routing.prompt.layout import LAYOUTS, Layout
from routing.spelling import CallSpelling

if TYPE_CHECKING:
    from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV3
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    Encoders = InstructTokenizerV3[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tokenizer and what it takes to use it.

    `never_generated` are control tokens that mean something in prompts only.
    """

    instruct: Encoders
    layout: Layout
    spelling: CallSpelling
    never_generated: tuple[int, ...]


def load_tokenizer(path: Path) -> Loaded:
    """Read the `tekken.json` at `path`. Blocks; raises `BackendUnavailable`."""
    from mistral_common.tokens.tokenizers import instruct
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    encoders: dict[str, type[Encoders]] = {
        "v3": instruct.InstructTokenizerV3,
        "v7": instruct.InstructTokenizerV7,
        "v11": instruct.InstructTokenizerV11,
        "v13": instruct.InstructTokenizerV13,
    }
    try:
        tokenizer = Tekkenizer.from_file(path)
        version = str(tokenizer.version.value)
        if version not in encoders:
            known = ", ".join(encoders)
            raise BackendUnavailable(f"{path} is {version}; what is rendered: {known}")
        made = encoders[version](tokenizer)
        spelling = _spelling(tokenizer, LAYOUTS[version])
    except (OSError, ValueError, KeyError, AssertionError, MistralCommonException) as error:
        raise BackendUnavailable(f"no usable tokenizer at {path}: {error}") from error
    return Loaded(made, LAYOUTS[version], spelling, _never_generated(tokenizer, spelling))


def _spelling(tokenizer: Tekkenizer, layout: Layout) -> CallSpelling:
    from mistral_common.tokens.tokenizers.base import SpecialTokens

    special = tokenizer.get_special_token
    has_id = layout.names_calls and layout.call_ids
    return CallSpelling(
        calls=special(SpecialTokens.tool_calls.value),
        args=special(SpecialTokens.args.value) if layout.names_calls else None,
        call_id=special(SpecialTokens.call_id.value) if has_id else None,
    )


def _never_generated(tokenizer: Tekkenizer, spelling: CallSpelling) -> tuple[int, ...]:
    from mistral_common.tokens.tokenizers.base import SpecialTokens

    generated = {tokenizer.eos_id, spelling.calls, spelling.args, spelling.call_id}
    named = {each.value for each in SpecialTokens}
    return tuple(
        token
        for token in sorted(tokenizer.special_ids)
        if token not in generated and tokenizer.id_to_piece(token) in named
    )
