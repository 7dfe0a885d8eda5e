"""The llguidance inside llama.cpp, older than vLLM's, with the embedded model's own tokens.

xllamacpp shows no matcher to Python, but its library has llama.cpp's C interface: a grammar is a sampler,
which is asked whether it leaves a token its chance. Linux and macOS only.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

from bench.schema_targets.guidance import EngineRefuses, a_tool, call_tokens_text
from routing.backends.llama_grammar import grammar_of_one
from routing.grammar.lark import CALLS_TOKEN_ID

MODEL = Path(__file__).parents[2] / "models" / "nano" / "nano.gguf"
_INIT_LLGUIDANCE = "_Z22llama_sampler_init_llgPK11llama_vocabPKcS3_"
_REFUSED_LOGIT = -1e30
_AS_TEXT = (False, False)
"""No token for the beginning, and none for what looks like a control token."""


class Missing(Exception):
    """There is no such library or model here."""


class _Parameters(ctypes.Structure):
    """llama.cpp's, passed through: larger than they are, so that they fit."""

    _fields_ = (("raw", ctypes.c_char * 1024),)


class _Candidate(ctypes.Structure):
    _fields_ = (("id", ctypes.c_int32), ("logit", ctypes.c_float), ("p", ctypes.c_float))


class _Candidates(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.POINTER(_Candidate)),
        ("size", ctypes.c_size_t),
        ("selected", ctypes.c_int64),
        ("sorted", ctypes.c_bool),
    )


class _Library:
    """The few functions that are needed, with a loaded vocabulary."""

    def __init__(self, path: Path) -> None:
        self._lib = ctypes.CDLL(str(path))
        pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
        defaults = self._function("llama_model_default_params", _Parameters)
        load = self._function("llama_model_load_from_file", pointer, text, _Parameters)
        model = load(str(MODEL).encode(), defaults())
        if not model:
            raise Missing(f"{MODEL} can't be loaded")
        self.vocabulary = self._function("llama_model_get_vocab", pointer, pointer)(model)
        self.end = self._function("llama_vocab_eos", number, pointer)(self.vocabulary)
        numbers = ctypes.POINTER(number)
        flags = (ctypes.c_bool, ctypes.c_bool)
        self._tokenize = self._function(
            "llama_tokenize", number, pointer, text, number, numbers, number, *flags
        )
        self.sampler = self._function(_INIT_LLGUIDANCE, pointer, pointer, text, text)
        self.reset = self._function("llama_sampler_reset", None, pointer)
        self.free = self._function("llama_sampler_free", None, pointer)
        self.apply = self._function(
            "llama_sampler_apply", None, pointer, ctypes.POINTER(_Candidates)
        )
        self.accept = self._function("llama_sampler_accept", None, pointer, number)

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        try:
            function = getattr(self._lib, name)
        except AttributeError as error:
            raise Missing(f"this build of llama.cpp has no {name}") from error
        function.restype, function.argtypes = result, arguments
        return function

    def tokens(self, text: str) -> list[int]:
        raw = text.encode()
        found = (ctypes.c_int32 * (len(raw) + 8))()
        count = self._tokenize(self.vocabulary, raw, len(raw), found, len(found), *_AS_TEXT)
        return list(found[:count])


@cache
def library() -> _Library:
    """Loaded once. Raises `Missing`."""
    try:
        import xllamacpp
    except ImportError as error:
        raise Missing("xllamacpp is not installed") from error
    found = list(Path(str(xllamacpp.__file__)).parent.glob("xllamacpp*.so"))
    if not found or not MODEL.is_file():
        raise Missing(f"no library beside xllamacpp, or no {MODEL.name}")
    return _Library(found[0])


class Llama:
    """The grammar of a turn with one tool, as the backend hands it to llama.cpp."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises `EngineRefuses`, `Missing`."""
        self._library = library()
        self._sampler = self._library.sampler(
            self._library.vocabulary, b"lark", grammar_of_one(a_tool(schema)).encode()
        )
        if not self._sampler:
            raise EngineRefuses("llama.cpp")

    def __del__(self) -> None:
        if getattr(self, "_sampler", None):
            self._library.free(self._sampler)

    def accepts(self, arguments: Any) -> bool:
        """Whether the embedded model could have written this call."""
        self._library.reset(self._sampler)
        for token in (CALLS_TOKEN_ID, *self._library.tokens(call_tokens_text(arguments))):
            if not self._leaves(token):
                return False
            self._library.accept(self._sampler, token)
        return self._leaves(self._library.end)

    def _leaves(self, token: int) -> bool:
        one = (_Candidate * 1)(_Candidate(token, 1.0, 0.0))
        candidates = _Candidates(one, 1, -1, 0)
        self._library.apply(self._sampler, ctypes.byref(candidates))
        return one[0].logit > _REFUSED_LOGIT
