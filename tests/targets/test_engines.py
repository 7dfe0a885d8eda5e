"""The engines themselves do what their targets are said to do."""

from __future__ import annotations

from itertools import chain, islice

import pytest

from bench.schema_targets import corpus, vllm_xgrammar
from bench.schema_targets.__main__ import asked
from bench.schema_targets.comparing import with_engine
from bench.schema_targets.corpus import Tried
from bench.schema_targets.guidance import EngineRefuses, Guidance
from bench.schema_targets.llama import Llama, Missing, library
from routing.targets.llguidance import compile_llguidance
from routing.targets.xgrammar import compile_xgrammar


def some(most: int, every: int) -> list[Tried]:
    schemas = chain(corpus.keywords(), corpus.suite(every=every))
    return list(corpus.tried(schemas, most=most))


def test_llguidance_generates_what_its_target_enforces() -> None:
    compared = with_engine(some(8, 6), compile_llguidance, lambda each: asked(Guidance, each))
    assert compared.unlisted == []
    assert compared.counts["alike"] > 1_200


def test_the_llguidance_inside_llama_cpp_does_too() -> None:
    try:
        library()
    except Missing as error:
        pytest.skip(f"NOT RUN: {error}")
    found = list(corpus.tried(islice(corpus.keywords(), 3, None, 7), most=6))
    compared = with_engine(found, compile_llguidance, lambda each: asked(Llama, each))
    assert compared.unlisted == []
    assert compared.counts["alike"] > 50


def test_an_engine_says_when_it_takes_no_schema() -> None:
    with pytest.raises(EngineRefuses):
        Guidance({"type": "object", "properties": {"a": False}, "required": ["a"]})


@pytest.mark.vllm
def test_xgrammar_accepts_what_its_target_enforces() -> None:
    found = some(8, 6)
    answers = vllm_xgrammar.verdicts([(each.schema, each.all) for each in found])
    verdicts = dict(zip((each.name for each in found), answers, strict=True))

    def ask(each: Tried) -> list[bool] | None:
        answer = verdicts[each.name]
        return None if isinstance(answer, str) else answer

    compared = with_engine(found, compile_xgrammar, ask)
    assert compared.unlisted == []
    assert compared.counts["alike"] > 1_200
