"""BFCL's 3,258 function documents as tools, its truth as calls, its requests as wishes for tools."""

from __future__ import annotations

import pytest

from bench import bfcl
from bench.retrieval import halves, one_for_each_name, ours, recall
from tools.registry import Registry
from tools.toolset import Toolset

ERRORS_OF_THE_DATA = {
    "parallel_multiple_21": "$.y",  # a piece of Python as a text
    "parallel_multiple_94": "$.elements[4]",  # words where numbers are declared
    "live_simple_106-63-0": "$",  # two required arguments are missing
    "live_simple_112-68-0": "$",
    "live_multiple_87-38-4": "$.type",  # a value that is not listed
    "live_multiple_507-149-4": "$",  # a required text is empty
    "live_multiple_552-153-1": "$.is_unisex",  # a truth value where a text is declared
    "live_multiple_595-158-1": "$.number_of_rooms",  # a number where a text is declared
    "live_multiple_596-158-2": "$.number_of_rooms",
    "live_multiple_731-167-2": "$.in_unit_laundry",  # a truth value where a text is declared
    "live_multiple_733-167-4": "$.in_unit_laundry",
    "live_multiple_735-167-6": "$.in_unit_laundry",
    "live_multiple_750-169-5": "$.genre",  # values that are not listed
    "live_multiple_756-169-11": "$.genre",
    "live_multiple_835-178-10": "$.genre",
    "live_multiple_871-182-8": "$.genre",
    "live_multiple_947-197-0": "$.duration",
    "live_multiple_964-207-0": "$",  # another parameter's name
    "live_multiple_1038-265-0": "$.start_date",  # null where a text is declared
    "live_parallel_multiple_2-2-0": "$.command",  # a value that is not listed
}
"""The truth calls that break their own function document, and where."""


class Nowhere:
    """Nothing is run here."""

    async def execute(self, call: object, context: object) -> None: ...


@pytest.fixture(scope="module", autouse=True)
def _data() -> None:
    try:
        bfcl.wheel()
    except bfcl.Unavailable as error:
        pytest.skip(f"NOT RUN: {error}")


@pytest.fixture(scope="module")
def registered() -> Toolset:
    registry = Registry()
    for document in bfcl.documents((*bfcl.PYTHON, *bfcl.NO_CALL, *bfcl.OTHER_LANGUAGES)):
        registry.register(bfcl.spec(document, distinct=True), Nowhere())
    return registry.snapshot()


def test_every_document_registers_and_every_truth_call_satisfies_its_schema(
    registered: Toolset,
) -> None:
    assert len(registered) == 3_258
    judged, refused = 0, dict[str, str]()
    for asked in bfcl.requests(bfcl.PYTHON):
        documents = {document["name"]: document for document in asked.documents}
        for name, accepted in asked.truth:
            judged += 1
            spec = bfcl.spec(documents[name], distinct=True)
            arguments = bfcl.arguments(accepted, spec.parameters)
            if (problem := registered.schema(spec.name).check(arguments)) is not None:
                refused[asked.id] = problem.path
    assert judged == 3_152
    assert refused == ERRORS_OF_THE_DATA


def test_the_tools_that_a_request_needs_are_found_more_often_than_by_plain_bm25() -> None:
    asked = [
        each for each in halves(tuning=True) if each.category in ("simple_python", "live_multiple")
    ]
    found = recall(ours(one_for_each_name()), asked)
    assert found["simple_python"] > 0.94, "the floor is 93 %"
    assert found["live_multiple"] > 0.87, "the floor is 82 %"
