"""The mean of two checkpoints; torch comes with vLLM."""

from __future__ import annotations

import pytest

from tests.vllm.scripts import output_of

pytestmark = pytest.mark.vllm

MEAN = """
import torch
from models.nano.merge import merged

old = {"shape": {"dim": 2}, "ema": {"a": torch.tensor([0.0, 4.0])}, "step": 1}
new = {"shape": {"dim": 2}, "ema": {"a": torch.tensor([8.0, 4.0])}, "step": 2}
for share, wanted in ((0.0, [0, 4]), (0.25, [2, 4]), (1.0, [8, 4])):
    found = merged(old, new, share)
    assert found["ema"]["a"].tolist() == wanted, found
    assert found["step"] == 2
assert new["ema"]["a"].tolist() == [8, 4]
for other, share in (({**new, "shape": {"dim": 3}}, 0.5), (new, 1.5)):
    try:
        merged(old, other, share)
    except ValueError as error:
        print(error)
"""


def test_it_lies_between_both_and_other_shapes_have_none() -> None:
    told = output_of(MEAN)
    assert "have no mean" in told
    assert "--share 1.5: between 0 and 1" in told
