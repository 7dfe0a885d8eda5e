"""A larger network that goes on from a smaller one; torch comes with vLLM."""

from __future__ import annotations

import pytest

from tests.vllm.scripts import output_of

pytestmark = pytest.mark.vllm

SAME = """
import torch
from models.nano.grow import grown
from models.nano.model import Nano, Shape

torch.manual_seed(0)
small = Shape(dim=32, n_layers=2, head_dim=8, hidden_dim=24, vocab_size=50)
more = Shape(dim=32, n_layers=5, head_dim=8, hidden_dim=40, vocab_size=50)
old, new = Nano(small), Nano(more)
new.load_state_dict(grown(old.state_dict(), more))
prefix, rows = torch.randint(0, 50, (7,)), torch.randint(0, 50, (2, 9))
with torch.no_grad():
    before, after = old.logits(old.hidden(prefix, rows)), new.logits(new.hidden(prefix, rows))
assert before.std() > 0.01
assert torch.equal(before, after), (before - after).abs().max()
for shape in (Shape(dim=64), Shape(dim=32, n_layers=1, head_dim=8, hidden_dim=24, vocab_size=50)):
    try:
        grown(old.state_dict(), shape)
    except ValueError as error:
        print(error)
"""


def test_it_computes_what_the_smaller_did_and_refuses_what_it_cant() -> None:
    told = output_of(SAME)
    assert "only blocks and their hidden units can be added" in told
    assert "2 blocks do not fit into 1" in told
