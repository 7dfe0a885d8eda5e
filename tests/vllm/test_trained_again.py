"""Training goes on from the weights that are shipped; torch comes with vLLM."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vllm.scripts import output_of

pytestmark = pytest.mark.vllm

SAME = """
import sys
from pathlib import Path
import torch
from models.nano import again, export
from models.nano.model import Nano, Shape

file, folder = Path("models/nano/nano.gguf"), Path(sys.argv[1])
torch.save(again.checkpoint(again.weights(file, Shape()), Shape(), 1), folder / "checkpoint.pt")
model = export.load(folder / "checkpoint.pt")
assert isinstance(model, Nano)
export.gguf(model, folder / "again.gguf")
old, new = again.weights(file, Shape()), again.weights(folder / "again.gguf", Shape())
assert all(torch.equal(old[name], new[name]) for name in old)
assert min(weight.abs().max() for weight in old.values()) > 0.001
try:
    again.weights(file, Shape(hidden_dim=512))
except ValueError as error:
    print(error)
"""


def test_the_checkpoint_holds_the_shipped_weights_and_other_shapes_are_refused(
    tmp_path: Path,
) -> None:
    told = output_of(SAME, str(tmp_path))
    assert "layers.0.w1.weight: (1024, 192) is not (512, 192)" in told


RESUMED = """
import math
import subprocess
import sys
from pathlib import Path
import torch
from models.nano import again
from models.nano.model import Shape

file, folder = Path("models/nano/nano.gguf"), Path(sys.argv[1])
before = again.checkpoint(again.weights(file, Shape()), Shape(), 1)
train = [sys.executable, "-m", "models.nano.train", "--out", str(folder), "--whole"]
seconds = []
for begun in (-math.inf, 0.01):  # the second was cut off early
    torch.save(before | {"begun": begun}, folder / "checkpoint.pt")
    # Minutes are all of a run's: what a slow machine's last step took too long counts for the next run.
    minutes = (seconds[-1] if seconds else 0.0) / 60 + 0.02
    subprocess.run([*train, "--minutes", str(minutes)], check=True, capture_output=True)
    after = torch.load(folder / "checkpoint.pt", weights_only=False)
    seconds.append(after["seconds"])
    assert after["begun"] == begun, after["begun"]
    assert after["step"] > before["step"], (after["step"], before["step"])
    assert after["rng"] != before["rng"]
    name = "layers.0.w1.weight"
    assert not torch.equal(after["model"][name], before["model"][name])
    before = after
assert 0.02 * 60 <= seconds[0] < seconds[1], seconds
print("copied", after["copying"], "of", 8192 - 64)
"""


def test_training_goes_on_from_them_and_from_its_own_checkpoint(tmp_path: Path) -> None:
    told = output_of(RESUMED, str(tmp_path), timeout_s=240)
    assert "copied 8128 of 8128" in told
