"""The fenced code of an answer, however a model fences it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agent.code_blocks import CodeBlock, code_blocks

CASES: list[tuple[str, list[tuple[str, str]]]] = [
    ("No code, but `a` and ```b``` in a line.", []),
    ("```python\nprint(1)\n```", [("python", "print(1)")]),
    ("Text\n~~~js\n1\n~~~\nmore", [("js", "1")]),
    ("```\nplain\n```", [("", "plain")]),
    ('```py title="a.py"\nx\n```', [("py", "x")]),
    ("```c++\nx\n```\nand\n\n```sh\ny\n```", [("c++", "x"), ("sh", "y")]),
    ("````md\n```py\nx\n```\n````", [("md", "```py\nx\n```")]),
    ("~~~md\n```py\nx\n```\n~~~", [("md", "```py\nx\n```")]),
    ("```rust\nfn main() {", [("rust", "fn main() {")]),
    ("```rust", [("rust", "")]),
    ("```\n```", [("", "")]),
    ("1. First\n\n   ```py\n   if x:\n       y\n   ```\n2. Then", [("py", "if x:\n    y")]),
    ("        ```py\n        x\n          y\n        ```", [("py", "x\n  y")]),
    ("> ```py\n> x\n> ```", [("py", "x")]),
    ("```py\r\nx\r\ny\r\n```\r\n", [("py", "x\ny")]),
    ("```py\nx\n\n\n```", [("py", "x\n\n")]),
    ("<details>\n```py\nx\n```\n</details>", [("py", "x")]),
]


@pytest.mark.parametrize(("text", "blocks"), CASES)
def test_each_block_comes_with_its_language(text: str, blocks: list[tuple[str, str]]) -> None:
    assert code_blocks(text) == tuple(CodeBlock(*block) for block in blocks)


LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cs"])
)
FENCES = st.sampled_from(["```", "````", "~~~", "~~~~~"])


@given(
    blocks=st.lists(st.tuples(FENCES, st.sampled_from(["", "py", "c++"]), LINES), max_size=4),
    between=st.sampled_from(["", "\n", "Some prose.\n\n"]),
)
def test_what_was_fenced_comes_back_as_it_was(
    blocks: list[tuple[str, str, str]], between: str
) -> None:
    blocks = [block for block in blocks if block[0][0] not in block[2]]
    text = "".join(
        f"{between}{fence}{language}\n{code}\n{fence}\n" for fence, language, code in blocks
    )
    assert [(block.language, block.code) for block in code_blocks(text)] == [
        (language, code) for _, language, code in blocks
    ]


@given(st.text(st.sampled_from("`~ \n>-1.ab\t#<|"), max_size=200))
def test_no_text_raises(text: str) -> None:
    assert all("\n" not in block.language for block in code_blocks(text))
