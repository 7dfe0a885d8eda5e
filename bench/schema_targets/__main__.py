"""`python -m bench.schema_targets`: every schema, every target, every engine that is here.

docs/schema-targets.md has the figures. Takes a few minutes. llama.cpp, which is
slow to take a grammar, is asked about every eighth schema.
"""

from __future__ import annotations

from itertools import chain

from bench.schema_targets import corpus, vllm_xgrammar
from bench.schema_targets.comparing import Compared, with_engine, with_schemas
from bench.schema_targets.corpus import Tried
from bench.schema_targets.guidance import EngineRefuses, Guidance
from bench.schema_targets.llama import Llama, Missing
from routing.targets.llguidance import compile_llguidance
from routing.targets.xgrammar import compile_xgrammar


def asked(engine: type[Guidance | Llama], tried: Tried) -> list[bool] | None:
    """The engine's verdicts; None where it refuses the schema."""
    try:
        grammar = engine(tried.schema)
    except EngineRefuses:
        return None
    return [grammar.accepts(arguments) for arguments in tried.all]


def main() -> None:
    """Print a line for each comparison."""
    found = list(corpus.tried(chain(corpus.keywords(), corpus.suite(), corpus.documents(every=20))))
    print(f"{len(found)} schemas, {sum(len(each.all) for each in found)} arguments")
    for target, compared in with_schemas(found).items():
        _print(target, compared)
    _print(
        "llguidance itself", with_engine(found, compile_llguidance, lambda t: asked(Guidance, t))
    )
    try:
        _print(
            "inside llama.cpp",
            with_engine(found[::8], compile_llguidance, lambda t: asked(Llama, t)),
        )
    except Missing as error:
        print(f"inside llama.cpp: not asked: {error}")
    if vllm_xgrammar.PYTHON.exists():
        answers = iter(vllm_xgrammar.verdicts([(each.schema, each.all) for each in found]))
        by_name = {id(each): answer for each, answer in zip(found, answers, strict=True)}
        compared = with_engine(
            found, compile_xgrammar, lambda t: None if isinstance(a := by_name[id(t)], str) else a
        )
        _print("xgrammar itself", compared)


def _print(name: str, compared: Compared) -> None:
    print(name, dict(sorted(compared.counts.items())))
    for kind, schema, arguments in compared.unlisted[:20]:
        print(f"    {kind}, not listed: {schema}: {arguments}")


if __name__ == "__main__":
    main()
